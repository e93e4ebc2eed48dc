import DequeModule
import Messaging

/// The queue behind `MailboxTail`, which alone holds it.
///
///     take ◀── Mailbox.waiting ◀──┬── stubs: in the store, 16 octets here, read back in pages
///                                 └── whole: what the store does not have, or another session may get
///
/// Both are one queue: a whole entry knows which sequence it follows.
final class TailQueue {
    typealias Entry = Mailbox.Entry

    /// A delivery that lies in the store.
    private struct Stub {
        /// Its sequence, counted from `base`.
        var offset: UInt32
        let octets: UInt32
        let topic: TopicDigest
    }

    private struct Whole {
        let entry: Entry
        /// The greatest sequence before it.
        let follows: UInt64
    }

    private var stubs = Deque<Stub>()
    private var base: UInt64 = 0
    private var whole = Deque<Whole>()
    /// The greatest sequence among `stubs` and before `whole`.
    private var last: UInt64 = 0
    private(set) var count = 0
    /// Octets of the messages that are in the store alone.
    private(set) var stubOctets = 0
    /// The point at which the store has all stubs.
    private(set) var commit = CommitPoint.none
    /// A page on its way from the store: the stubs up to this sequence.
    private(set) var reading: UInt64?
    /// What was to be dropped when part of the queue lay in the store: looked at when it comes back.
    var unwanted: Mailbox.Unwanted?

    /// The next one is in memory.
    var beginsWhole: Bool {
        guard let first = whole.first else { return false }
        return stubs.first.map { first.follows < sequence(of: $0) } ?? true
    }

    var firstWhole: Entry? { beginsWhole ? whole.first?.entry : nil }

    private func sequence(of stub: Stub) -> UInt64 { base + UInt64(stub.offset) }

    // MARK: Arriving

    /// Adds `entry` at the end: as a stub where the store has it.
    func append(_ entry: Entry) {
        count += 1
        let octets = entry.message.octets
        if entry.isStored, entry.share == ShareGroups.none,
            appendStub(entry.sequence, octets, entry.message.topicDigest)
        {
            commit = max(commit, entry.commit)
        } else {
            last = max(last, entry.sequence)
            whole.append(Whole(entry: entry, follows: entry.sequence == 0 ? last : entry.sequence - 1))
        }
    }

    /// Puts back what the store has, oldest first.
    /// - Returns: how many of them; the others have no place.
    func restore(_ stored: ContiguousArray<PagedDelivery>) -> Int {
        stubs.reserveCapacity(stored.count)
        count = stored.prefix { appendStub($0.sequence, $0.octets, $0.topic) }.count
        return count
    }

    /// - Returns: false when it cannot be a stub: too large, or four billion sequences after the first.
    private func appendStub(_ sequence: UInt64, _ octets: Int, _ topic: TopicDigest) -> Bool {
        if stubs.isEmpty { base = sequence }
        if sequence - base > UInt64(UInt32.max) { moveBase() }
        guard let offset = UInt32(exactly: sequence - base), let octets = UInt32(exactly: octets) else { return false }
        stubs.append(Stub(offset: offset, octets: octets, topic: topic))
        stubOctets += Int(octets)
        last = sequence
        return true
    }

    private func moveBase() {
        guard let first = stubs.first?.offset else { return }
        for index in stubs.indices { stubs[index].offset -= first }
        base += UInt64(first)
    }

    // MARK: Leaving

    /// Takes out the oldest.
    func removeFirst() -> MailboxTail.Removed? {
        if beginsWhole { return removeWhole(at: whole.startIndex) }
        return stubs.isEmpty ? nil : removeStub(at: stubs.startIndex)
    }

    /// Takes out the oldest of QoS 0.
    func removeFirstAtMostOnce() -> MailboxTail.Removed? {
        whole.firstIndex { $0.entry.qos == .atMostOnce }.map { removeWhole(at: $0) }
    }

    /// Takes out the latest of a topic.
    func removeLatest(of topic: TopicName) -> MailboxTail.Removed? {
        let digest = topic.digest
        let stub = stubs.lastIndex { $0.topic == digest }
        guard let position = whole.lastIndex(where: { $0.entry.message.isNamed(topic) }) else {
            return stub.map { removeStub(at: $0) }
        }
        guard let stub, sequence(of: stubs[stub]) > whole[position].follows else { return removeWhole(at: position) }
        return removeStub(at: stub)
    }

    /// Takes out all entries in memory that satisfy `isUnwanted`.
    func removeWhole(where isUnwanted: (Entry) -> Bool) -> [Entry] {
        let removed = whole.filter { isUnwanted($0.entry) }
        whole.removeAll { isUnwanted($0.entry) }
        count -= removed.count
        return removed.map(\.entry)
    }

    private func removeWhole(at index: Int) -> MailboxTail.Removed {
        count -= 1
        defer { forgetRoom() }
        return .whole(whole.remove(at: index).entry)
    }

    private func removeStub(at index: Int) -> MailboxTail.Removed {
        count -= 1
        let stub = stubs.remove(at: index)
        stubOctets -= Int(stub.octets)
        defer { forgetRoom() }
        return .stub(sequence: sequence(of: stub), octets: Int(stub.octets))
    }

    /// A queue that was long once does not hold its memory for ever.
    private func forgetRoom() {
        guard count == 0 else { return }
        stubs = Deque()
        whole = Deque()
    }

    // MARK: Pages

    /// Octets of messages in one page at most, as far as a single one does not exceed them.
    private static let mostPageOctets = 4 * 1_048_576

    /// As `MailboxTail.beginPage`.
    func beginPage(limit: Int, octets mostOctets: Int) -> ClosedRange<UInt64>? {
        guard reading == nil, let first = stubs.first else { return nil }
        var octets = 0
        var count = 0
        for stub in stubs.prefix(limit) {
            octets += Int(stub.octets)
            guard count == 0 || octets <= min(mostOctets, Self.mostPageOctets) else { break }
            count += 1
        }
        let upper = sequence(of: stubs[stubs.startIndex + count - 1])
        reading = upper
        return sequence(of: first)...upper
    }

    func endPage() { reading = nil }

    /// The sequence of the oldest, if it lies in the store and not after `sequence`.
    func firstStub(through sequence: UInt64) -> UInt64? {
        guard !beginsWhole, let first = stubs.first, self.sequence(of: first) <= sequence else { return nil }
        return self.sequence(of: first)
    }
}
