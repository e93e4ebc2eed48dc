/// Why a copy of a message did not reach its receiver.
public enum DropReason: UInt8, Sendable, CaseIterable, Hashable {
    /// No subscription matched. Counted once for the message.
    case noSubscribers
    /// The mailbox was full.
    case mailboxFull
    /// The process holds more memory than it is to (`BrokerLimits.memory`), and the mailbox its share.
    case memoryFull
    /// The client was away and its messages of QoS 0 are not kept.
    case offlineQoS0
    /// The session ended with the message still in its mailbox.
    case sessionEnded
    /// The receiver refused it.
    case refusedByReceiver
    /// Larger than the receiver takes.
    case tooLargeForReceiver
    /// The receiver has no topic id for it and cannot get one (MQTT-SN).
    case noTopicID
    /// A newer value of the same topic took its place before it was sent (CoAP observe).
    case superseded
    /// It makes no sense to the receiver: an LwM2M command that cannot be carried out.
    case notApplicable
    /// The receiver lost the right to it while it waited.
    case notAuthorized
    /// The store could not give it back when its turn came: its file is damaged.
    case unreadable

    /// As in metric labels and $SYS topics.
    public var name: String {
        switch self {
        case .noSubscribers: "no_subscribers"
        case .mailboxFull: "mailbox_full"
        case .memoryFull: "memory_full"
        case .offlineQoS0: "offline_qos0"
        case .sessionEnded: "session_ended"
        case .refusedByReceiver: "refused_by_receiver"
        case .tooLargeForReceiver: "too_large_for_receiver"
        case .noTopicID: "no_topic_id"
        case .superseded: "superseded"
        case .notApplicable: "not_applicable"
        case .notAuthorized: "not_authorized"
        case .unreadable: "unreadable"
        }
    }
}
