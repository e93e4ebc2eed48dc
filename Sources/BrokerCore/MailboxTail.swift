import Messaging

/// What waits in a mailbox beyond the part that is kept in memory. Few mailboxes ever have such: until then this is 8 octets.
struct MailboxTail: ~Copyable {
    typealias Entry = Mailbox.Entry

    /// What was taken out of the queue.
    enum Removed {
        case stub(sequence: UInt64, octets: Int)
        case whole(Entry)
    }

    private var queue: TailQueue?

    var count: Int { queue?.count ?? 0 }

    /// Octets of the messages that are in the store alone.
    var stubOctets: Int { queue?.stubOctets ?? 0 }

    /// The point at which the store has everything that lies there alone.
    var commit: CommitPoint { queue?.commit ?? .none }

    /// A page on its way from the store: up to this sequence.
    var reading: UInt64? { queue?.reading }

    /// The next one is in memory.
    var beginsWhole: Bool { queue?.beginsWhole ?? false }

    var firstWhole: Entry? { queue?.firstWhole }

    /// What was to be dropped when part of the queue lay in the store: looked at when it comes back.
    var unwanted: Mailbox.Unwanted? {
        get { queue?.unwanted }
        set { queue?.unwanted = newValue }
    }

    /// Nothing is left, and nothing on its way: the memory that was needed is not held for ever.
    mutating func forgetRoom() {
        if count == 0, reading == nil { queue = nil }
    }

    // MARK: Arriving

    /// Adds `entry` at the end: as a stub where the store has it.
    mutating func append(_ entry: Entry) { made().append(entry) }

    /// Puts back what the store has, oldest first.
    /// - Returns: how many of them; the others have no place.
    mutating func restore(_ stored: ContiguousArray<PagedDelivery>) -> Int {
        stored.isEmpty ? 0 : made().restore(stored)
    }

    private mutating func made() -> TailQueue {
        if let queue { return queue }
        let made = TailQueue()
        queue = made
        return made
    }

    // MARK: Leaving

    /// Takes out the oldest.
    mutating func removeFirst() -> Removed? { queue?.removeFirst() }

    /// Takes out the oldest of QoS 0.
    mutating func removeFirstAtMostOnce() -> Removed? { queue?.removeFirstAtMostOnce() }

    /// Takes out the latest of a topic.
    mutating func removeLatest(of topic: TopicName) -> Removed? { queue?.removeLatest(of: topic) }

    /// Takes out all entries in memory that satisfy `isUnwanted`.
    mutating func removeWhole(where isUnwanted: (Entry) -> Bool) -> [Entry] {
        queue?.removeWhole(where: isUnwanted) ?? []
    }

    // MARK: Pages

    /// Notes that the next page is being read.
    /// - Parameters:
    ///   - limit: messages in it at most.
    ///   - octets: of these messages, as far as a single one does not exceed them.
    /// - Returns: the sequences it goes over; nil when one is being read already or none is in the store.
    mutating func beginPage(limit: Int, octets: Int = .max) -> ClosedRange<UInt64>? {
        queue?.beginPage(limit: limit, octets: octets)
    }

    mutating func endPage() { queue?.endPage() }

    /// The sequence of the oldest, if it lies in the store and not after `sequence`.
    func firstStub(through sequence: UInt64) -> UInt64? { queue?.firstStub(through: sequence) }
}
