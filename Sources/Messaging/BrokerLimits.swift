/// What the core accepts at most, named and defaulted as users of other brokers know it.
public struct BrokerLimits: Sendable, Equatable {
    /// Levels of a topic name or filter, 1...65,535.
    public var topicLevels = 128
    /// Octets of a message's payload.
    public var payloadOctets = 1_048_576
    /// Sessions, connected or not.
    public var sessions = 1_000_000
    /// Subscriptions one session may hold.
    public var subscriptionsPerSession = 100_000
    /// Retained messages.
    public var retainedMessages = 1_000_000
    /// Normal topic ids one session may hold, 1...65,534 (MQTT-SN 1.2, 6.5).
    public var topicIDsPerSession = 1_024
    /// Exactly-once messages of one publisher between PUBLISH and PUBREL.
    public var awaitingRelease = 65_535
    /// Longest a session may outlive its connection; nil for no bound.
    public var sessionExpiry: Duration?
    /// Octets of memory of the whole process from which on a mailbox takes in no more than a share of it; nil for no bound.
    public var memory: Int?
    public var mailbox = MailboxLimits()

    public init() {}
}

/// Bounds of one session's mailbox and what happens at the bound.
public struct MailboxLimits: Sendable, Equatable {
    /// What gives way when a mailbox is full. Each message that gives way is counted with its reason.
    public enum Policy: String, Sendable, CaseIterable {
        /// The oldest waiting message.
        case dropOldest = "drop_oldest"
        /// The message that arrives.
        case dropNewest = "drop_newest"
        /// The oldest waiting message of QoS 0; when there is none, the oldest.
        case dropQoS0First = "drop_qos0_first"
        /// The waiting message of the same topic, full or not, as long as the client does not listen: each topic keeps its
        /// latest value (counted as superseded). When it is full of other topics, the oldest message.
        case latestOnly = "latest_only"
        /// Nothing that waits: the publisher of a message of QoS 1 or 2 is refused and keeps it, until there is room again. A message
        /// that has no publisher to be refused (QoS 0, a will, a delayed or a retained one) is dropped on arrival.
        case rejectPublisher = "reject_publisher"
    }

    /// Waiting messages while a connection is attached and awake. Reaching a quarter of it slows QoS 1 and 2 publishers down.
    public var onlineMessages = 10_000
    /// Waiting messages while the client is away or asleep.
    public var offlineMessages = 1_000
    /// Waiting messages of a durable session kept in memory; more lie in the store alone. While the client is attached and awake it is
    /// a quarter of `onlineMessages` if that is more, as publishers are held back from there on.
    public var inMemoryMessages = 1_000
    /// Octets of waiting messages, counted as `Message.octets`. As many again may be on the way: a client that acknowledges nothing is
    /// sent nothing at QoS 1 and 2 from there on.
    public var octets = 64 * 1_048_576
    public var policy = Policy.dropOldest
    /// Longest a message waits, from its arrival; it is counted as expired then. Nil for no bound.
    public var timeToLive: Duration?
    /// How long a publisher may be held back by one receiver that does not catch up.
    public var longestHoldBack = Duration.seconds(1)

    public init() {}
}

/// Mailbox limits of one kind of clients. One object is shared by all sessions it holds for.
public final class MailboxTerms: Sendable {
    public let limits: MailboxLimits

    public init(_ limits: MailboxLimits) { self.limits = limits }
}
