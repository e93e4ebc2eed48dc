/// A part of a session's queue that is wanted back from the store.
package struct PageRequest: Sendable {
    package let session: SessionNumber
    /// Of the deliveries wanted; some in between may be over already.
    package let sequences: ClosedRange<UInt64>
    /// The point at which all of them are stored.
    package let after: CommitPoint

    package init(session: SessionNumber, sequences: ClosedRange<UInt64>, after: CommitPoint) {
        self.session = session
        self.sequences = sequences
        self.after = after
    }
}

/// Deliveries read back from the store.
package struct QueuePage: Sendable {
    /// By ascending sequence.
    package let records: [QueuedRecord]
    /// Up to here the page is complete: what is not in it is not in the store.
    package let through: UInt64

    package init(records: [QueuedRecord], through: UInt64) {
        self.records = records
        self.through = through
    }
}

/// What has to be in memory of a delivery that lies in the store.
package struct PagedDelivery: Sendable, Equatable {
    package let sequence: UInt64
    /// As `Message.octets`.
    package let octets: Int
    package let topic: TopicDigest

    package init(sequence: UInt64, octets: Int, topic: TopicDigest) {
        self.sequence = sequence
        self.octets = octets
        self.topic = topic
    }
}
