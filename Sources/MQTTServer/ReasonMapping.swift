import MQTTCodec
import Messaging

/// What the broker answers, in the reason codes of MQTT 5.0.

extension ReasonCode {
    init(_ refusal: ConnectRefusal) {
        self =
            switch refusal {
            case .badCredentials: .badUserNameOrPassword
            case .notAuthorized: .notAuthorized
            case .quotaExceeded: .quotaExceeded
            case .shuttingDown: .serverUnavailable  // 0x8B cannot stand in CONNACK (MQTT 5.0, table 3-1)
            case .unavailable: .serverUnavailable
            }
    }

    /// Before 5.0 the answer says nothing of it (MQTT 3.1.1, MQTT-3.3.5-2).
    init(_ refusal: PublishRefusal) {
        self =
            switch refusal {
            case .notAuthorized: .notAuthorized
            case .topicNotAllowed: .topicNameInvalid
            case .tooLarge: .quotaExceeded  // 0x95 cannot stand in PUBACK (MQTT 5.0, table 3-4)
            case .quotaExceeded, .receiverFull: .quotaExceeded
            case .detached: .unspecifiedError
            }
    }

    init(_ outcome: UnsubscribeOutcome) {
        self =
            switch outcome {
            case .removed: .success
            case .notSubscribed: .noSubscriptionExisted
            case .refused(.notAuthorized): .notAuthorized
            case .refused(.detached): .unspecifiedError
            }
    }

    init(_ outcome: SubscribeOutcome) {
        self =
            switch outcome {
            case .granted(.atMostOnce): .grantedQoS0
            case .granted(.atLeastOnce): .grantedQoS1
            case .granted(.exactlyOnce): .grantedQoS2
            case .refused(.notAuthorized): .notAuthorized
            case .refused(.filterTooDeep): .topicFilterInvalid
            case .refused(.quotaExceeded): .quotaExceeded
            case .refused(.noLocalOnShared): .topicFilterInvalid
            case .refused(.detached): .unspecifiedError
            }
    }

    init(_ reason: CloseReason) {
        self =
            switch reason {
            case .takenOver: .sessionTakenOver  // MQTT-3.1.4-3
            case .silence: .keepAliveTimeout
            case .administrative: .administrativeAction
            case .shutdown: .serverShuttingDown
            }
    }
}
