/// One message on its way to one session: what `Attachment.take` hands to the adapter.
public struct Delivery: Sendable {
    /// What the adapter has to send.
    public enum Step: Sendable, Equatable {
        /// The message itself.
        case publish
        /// Only the release of an exactly-once message the receiver has confirmed having (PUBREL): its reception was
        /// recorded before the connection broke (MQTT-4.3.3-6, MQTT-4.4.0-1).
        case release
    }

    public let message: Message
    /// Lesser of the message's and the subscription's QoS.
    public let qos: QoS
    /// Identifies the delivery until it is settled: 1...65535, unique among the session's unsettled deliveries; 0 at QoS 0.
    public let packetID: UInt16
    /// The retain flag to send (MQTT 5.0, 3.3.1.3).
    public let retain: Bool
    /// It may have been sent before, on an earlier connection (MQTT-3.3.1-1).
    public let isDuplicate: Bool
    public let step: Step
    /// Identifiers of the session's subscriptions that matched (MQTT 5.0, 3.3.2.3.8).
    public let subscriptionIDs: SubscriptionIDs

    public init(
        message: Message, qos: QoS, packetID: UInt16, retain: Bool, isDuplicate: Bool = false, step: Step = .publish,
        subscriptionIDs: SubscriptionIDs = .none
    ) {
        self.message = message
        self.qos = qos
        self.packetID = packetID
        self.retain = retain
        self.isDuplicate = isDuplicate
        self.step = step
        self.subscriptionIDs = subscriptionIDs
    }
}

/// The subscription identifiers of one delivery; most have none or one, and then nothing is allocated.
public enum SubscriptionIDs: Sendable, Equatable {
    case none
    case one(UInt32)
    case many([UInt32])

    /// Adds `id`; 0 stands for a subscription without identifier and adds nothing.
    public mutating func insert(_ id: UInt32) {
        guard id != 0 else { return }
        switch self {
        case .none: self = .one(id)
        case .one(let first): self = .many([first, id])
        case .many(let ids): self = .many(ids + [id])
        }
    }

    public var array: [UInt32] {
        switch self {
        case .none: []
        case .one(let id): [id]
        case .many(let ids): ids
        }
    }
}

/// How a delivery at QoS 1 or 2 went on, as the receiver tells it.
public enum Settlement: Sendable, Equatable {
    /// The receiver has it: PUBACK at QoS 1 (or any protocol's one-step acknowledgement). Ends the delivery.
    case acknowledged
    /// First step of QoS 2, PUBREC: the message will not be sent again, its release will.
    case received
    /// Last step of QoS 2, PUBCOMP. Ends the delivery.
    case completed
    /// The receiver refused it (reason code 0x80 or above). Ends the delivery; counted as dropped.
    case refused
    /// The adapter could not send it and wants it at the head of the mailbox again, e.g. its peer fell asleep.
    case returned
}
