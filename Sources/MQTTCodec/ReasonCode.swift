/// What became of a request, or why a connection ends (MQTT 5.0, 2.4).
public enum ReasonCode: UInt8, Sendable, CaseIterable, Error {
    /// Also "normal disconnection" and "granted QoS 0".
    case success = 0x00
    case grantedQoS1 = 0x01
    case grantedQoS2 = 0x02
    case disconnectWithWill = 0x04
    case noMatchingSubscribers = 0x10
    case noSubscriptionExisted = 0x11
    case continueAuthentication = 0x18
    case reauthenticate = 0x19
    case unspecifiedError = 0x80
    case malformedPacket = 0x81
    case protocolError = 0x82
    case implementationSpecificError = 0x83
    case unsupportedProtocolVersion = 0x84
    case clientIdentifierNotValid = 0x85
    case badUserNameOrPassword = 0x86
    case notAuthorized = 0x87
    case serverUnavailable = 0x88
    case serverBusy = 0x89
    case banned = 0x8A
    case serverShuttingDown = 0x8B
    case badAuthenticationMethod = 0x8C
    case keepAliveTimeout = 0x8D
    case sessionTakenOver = 0x8E
    case topicFilterInvalid = 0x8F
    case topicNameInvalid = 0x90
    case packetIdentifierInUse = 0x91
    case packetIdentifierNotFound = 0x92
    case receiveMaximumExceeded = 0x93
    case topicAliasInvalid = 0x94
    case packetTooLarge = 0x95
    case messageRateTooHigh = 0x96
    case quotaExceeded = 0x97
    case administrativeAction = 0x98
    case payloadFormatInvalid = 0x99
    case retainNotSupported = 0x9A
    case qosNotSupported = 0x9B
    case useAnotherServer = 0x9C
    case serverMoved = 0x9D
    case sharedSubscriptionsNotSupported = 0x9E
    case connectionRateExceeded = 0x9F
    case maximumConnectTime = 0xA0
    case subscriptionIdentifiersNotSupported = 0xA1
    case wildcardSubscriptionsNotSupported = 0xA2

    public static let normalDisconnection = Self.success
    public static let grantedQoS0 = Self.success

    /// From 0x80 on a code reports failure.
    public var isFailure: Bool { rawValue >= 0x80 }
}

// MARK: - Which packet may carry which code

extension ReasonCode {
    /// MQTT 5.0, table 2-6. A code outside its packet is a protocol error (MQTT-3.2.2-8, MQTT-3.4.2-1, MQTT-3.5.2-1, MQTT-3.6.2-1,
    /// MQTT-3.7.2-1, MQTT-3.9.3-2, MQTT-3.11.3-2, MQTT-3.14.2-1).
    func isAllowed(in type: PacketType, from sender: Sender) -> Bool {
        switch type {
        case .connack: self == .success || Self.connack.contains(self)
        case .puback, .pubrec: self == .success || self == .noMatchingSubscribers || Self.publishFailures.contains(self)
        case .pubrel, .pubcomp: self == .success || self == .packetIdentifierNotFound
        case .suback: rawValue <= 2 || Self.subscribeFailures.contains(self)
        case .unsuback: self == .success || self == .noSubscriptionExisted || Self.unsubscribeFailures.contains(self)
        case .disconnect:
            switch self {
            case .success: true
            case .disconnectWithWill: sender == .client
            default: Self.disconnect.contains(self) || (sender == .server && Self.serverDisconnect.contains(self))
            }
        case .auth:
            self == .success || self == .continueAuthentication || (self == .reauthenticate && sender == .client)
        case .connect, .publish, .subscribe, .unsubscribe, .pingreq, .pingresp: false
        }
    }

    private static let connack: Set<Self> = [
        .unspecifiedError, .malformedPacket, .protocolError, .implementationSpecificError, .unsupportedProtocolVersion,
        .clientIdentifierNotValid, .badUserNameOrPassword, .notAuthorized, .serverUnavailable, .serverBusy, .banned,
        .badAuthenticationMethod, .topicNameInvalid, .packetTooLarge, .quotaExceeded, .payloadFormatInvalid,
        .retainNotSupported, .qosNotSupported, .useAnotherServer, .serverMoved, .connectionRateExceeded,
    ]

    private static let publishFailures: Set<Self> = [
        .unspecifiedError, .implementationSpecificError, .notAuthorized, .topicNameInvalid, .packetIdentifierInUse,
        .quotaExceeded, .payloadFormatInvalid,
    ]

    private static let subscribeFailures: Set<Self> = [
        .unspecifiedError, .implementationSpecificError, .notAuthorized, .topicFilterInvalid, .packetIdentifierInUse,
        .quotaExceeded, .sharedSubscriptionsNotSupported, .subscriptionIdentifiersNotSupported,
        .wildcardSubscriptionsNotSupported,
    ]

    private static let unsubscribeFailures: Set<Self> = [
        .unspecifiedError, .implementationSpecificError, .notAuthorized, .topicFilterInvalid, .packetIdentifierInUse,
    ]

    private static let disconnect: Set<Self> = [
        .unspecifiedError, .malformedPacket, .protocolError, .implementationSpecificError, .badAuthenticationMethod,
        .topicNameInvalid, .receiveMaximumExceeded, .topicAliasInvalid, .packetTooLarge, .messageRateTooHigh,
        .quotaExceeded, .administrativeAction, .payloadFormatInvalid,
    ]

    /// What only a server says (MQTT 5.0, table 3-10).
    private static let serverDisconnect: Set<Self> = [
        .notAuthorized, .serverBusy, .serverShuttingDown, .keepAliveTimeout, .sessionTakenOver, .topicFilterInvalid,
        .retainNotSupported, .qosNotSupported, .useAnotherServer, .serverMoved, .sharedSubscriptionsNotSupported,
        .connectionRateExceeded, .maximumConnectTime, .subscriptionIdentifiersNotSupported,
        .wildcardSubscriptionsNotSupported,
    ]
}

// MARK: - Before 5.0

extension ReasonCode {
    /// The return code that says the same in the CONNACK of 3.1 and 3.1.1 (MQTT 3.1.1, table 3.1), which know five refusals.
    var connectReturnCode: UInt8 {
        switch self {
        case .success: 0
        case .unsupportedProtocolVersion: 1
        case .clientIdentifierNotValid: 2
        case .badUserNameOrPassword: 4
        case .notAuthorized, .banned, .badAuthenticationMethod: 5
        default: 3
        }
    }

    init?(connectReturnCode: UInt8) {
        switch connectReturnCode {
        case 0: self = .success
        case 1: self = .unsupportedProtocolVersion
        case 2: self = .clientIdentifierNotValid
        case 3: self = .serverUnavailable
        case 4: self = .badUserNameOrPassword
        case 5: self = .notAuthorized
        default: return nil
        }
    }
}
