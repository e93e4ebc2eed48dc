/// A part of a session's queue that is wanted back from the store.
public struct PageRequest: Sendable {
    public let session: SessionNumber
    /// Of the deliveries wanted; some in between may be over already.
    public let sequences: ClosedRange<UInt64>
    /// The point at which all of them are stored.
    public let after: CommitPoint

    public init(session: SessionNumber, sequences: ClosedRange<UInt64>, after: CommitPoint) {
        self.session = session
        self.sequences = sequences
        self.after = after
    }
}

/// Deliveries read back from the store.
public struct QueuePage: Sendable {
    /// By ascending sequence.
    public let records: [QueuedRecord]
    /// Up to here the page is complete: what is not in it is not in the store.
    public let through: UInt64

    public init(records: [QueuedRecord], through: UInt64) {
        self.records = records
        self.through = through
    }
}

/// What has to be in memory of a delivery that lies in the store.
public struct PagedDelivery: Sendable, Equatable {
    public let sequence: UInt64
    /// As `Message.octets`.
    public let octets: Int
    public let topic: TopicDigest

    public init(sequence: UInt64, octets: Int, topic: TopicDigest) {
        self.sequence = sequence
        self.octets = octets
        self.topic = topic
    }
}
