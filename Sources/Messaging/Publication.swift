/// The broker's word on one published message.
public enum PublishOutcome: Sendable, Equatable {
    /// Taken over by the broker. The acknowledgement may leave once `commit` has passed.
    /// - `receivers`: sessions it was put into; 0 tells an MQTT 5.0 publisher "no matching subscribers" (0x10).
    case accepted(receivers: Int, commit: CommitPoint)
    case refused(PublishRefusal)
}

public enum PublishRefusal: Error, Sendable, Equatable, CaseIterable {
    case notAuthorized
    /// The topic name has more levels than `BrokerLimits.topicLevels`, or starts with `$SYS/`, which only the gateway writes.
    case topicNotAllowed
    /// Payload larger than `BrokerLimits.payloadOctets`.
    case tooLarge
    /// A limit of the broker is reached (retained messages, store full).
    case quotaExceeded
    /// A receiver's mailbox is full, and its policy is to refuse publishers (`MailboxLimits.Policy.rejectPublisher`). Nobody got it.
    case receiverFull
    /// This attachment was taken over or has ended.
    case detached

    /// As in metric labels.
    public var name: String {
        switch self {
        case .notAuthorized: "not_authorized"
        case .topicNotAllowed: "topic_not_allowed"
        case .tooLarge: "too_large"
        case .quotaExceeded: "quota_exceeded"
        case .receiverFull: "receiver_full"
        case .detached: "detached"
        }
    }
}

extension PublishRefusal {
    /// The same message may be accepted later. A publisher that cannot be told so must not be told that it was accepted.
    public var isTemporary: Bool { self == .quotaExceeded || self == .receiverFull }
}

/// A point in the order of durable writes. An acknowledgement that promises storage leaves when the store has committed
/// up to its point; `.none` has always passed.
public struct CommitPoint: Comparable, Sendable, Hashable {
    public let sequence: UInt64

    public init(sequence: UInt64) { self.sequence = sequence }

    /// Nothing to wait for.
    public static let none = CommitPoint(sequence: 0)

    public static func < (left: CommitPoint, right: CommitPoint) -> Bool { left.sequence < right.sequence }
}
