/// What a client asks for when it subscribes (MQTT 5.0, 3.8.3.1).
public struct Subscription: Sendable, Equatable {
    /// When retained messages are sent for it (MQTT 5.0, 3.8.3.1, Retain Handling).
    public enum RetainHandling: UInt8, Sendable {
        case send = 0
        case sendIfNew = 1
        case doNotSend = 2
    }

    public let filter: TopicFilter
    /// Highest QoS messages are to arrive with.
    public let qos: QoS
    /// Leave out what this session published itself.
    public let noLocal: Bool
    /// Keep the retain flag as the publisher set it.
    public let retainAsPublished: Bool
    public let retainHandling: RetainHandling
    /// Returned with each match; 1...268,435,455, or 0 for none.
    public let identifier: UInt32

    public init(
        filter: TopicFilter, qos: QoS, noLocal: Bool = false, retainAsPublished: Bool = false,
        retainHandling: RetainHandling = .send, identifier: UInt32 = 0
    ) {
        self.filter = filter
        self.qos = qos
        self.noLocal = noLocal
        self.retainAsPublished = retainAsPublished
        self.retainHandling = retainHandling
        self.identifier = identifier
    }
}

/// The broker's word on one subscription.
public enum SubscribeOutcome: Sendable, Equatable {
    case granted(QoS)
    case refused(SubscribeRefusal)
}

public enum SubscribeRefusal: Error, Sendable, Equatable {
    case notAuthorized
    /// More levels than `BrokerLimits.topicLevels`.
    case filterTooDeep
    /// The session holds `BrokerLimits.subscriptionsPerSession` already.
    case quotaExceeded
    /// No-local on a shared subscription is a protocol error (MQTT-3.8.3-4).
    case noLocalOnShared
    /// This attachment was taken over or has ended.
    case detached
}

/// The broker's word on the end of one subscription.
public enum UnsubscribeOutcome: Sendable, Equatable {
    case removed
    /// There was no subscription with an equal filter.
    case notSubscribed
    case refused(UnsubscribeRefusal)
}

public enum UnsubscribeRefusal: Error, Sendable, Equatable {
    case notAuthorized
    /// This attachment was taken over or has ended.
    case detached
}

/// One step of a session's subscribing and unsubscribing.
public enum SubscriptionChange: Sendable, Equatable {
    case subscribe(Subscription)
    case unsubscribe(TopicFilter)

    /// The word on it once the attachment has ended.
    public var whenDetached: SubscriptionOutcome {
        switch self {
        case .subscribe: .subscribed(.refused(.detached))
        case .unsubscribe: .unsubscribed(.refused(.detached))
        }
    }
}

/// The broker's word on a `SubscriptionChange`.
public enum SubscriptionOutcome: Sendable, Equatable {
    case subscribed(SubscribeOutcome)
    case unsubscribed(UnsubscribeOutcome)
}
