import Glibc
import Messaging

/// Who gets the topics that came last: a device sends the same one again and again, and what is found here is not looked for in the index.
///
///     topic ──hash──▶ place: version of the index │ receivers │ topic
///
/// Each place holds the topic that came last of those with its hash, so nothing has to be looked for and nothing grows. What it says holds while the
/// index is what it was.
struct RecentTopics: ~Copyable {
    /// A power of two: more devices than are busy on one event loop at a time, mostly, in 32 KB.
    private static let places = 256
    /// Octets of a topic that is remembered, at most.
    static let longest = 64

    private struct Known: BitwiseCopyable, Sendable {
        /// Nothing is known.
        static let nothing = Known(version: 0, octets: 0, run: RunsAhead.Run(messages: 0))

        /// As of `SubscriptionIndex.version`.
        var version: UInt64
        /// Of the topic.
        var octets: Int
        var run: RunsAhead.Run
    }

    private var known = FlatArray<Known>()
    private var topics = FlatArray<UInt8>()

    /// Whether it is known who gets `topic`; `run` is told then.
    @inline(__always)
    func recall(_ topic: UnsafeRawBufferPointer, _ version: UInt64, for run: inout RunsAhead.Run) -> Bool {
        let place = Self.place(of: topic)
        guard place < known.count, known[place].version == version, known[place].octets == topic.count else {
            return false
        }
        let isSame = topics.withElements { topics in
            guard let texts = topics.baseAddress, let topic = topic.baseAddress else { return false }
            return memcmp(texts + place * Self.longest, topic, known[place].octets) == 0
        }
        if isSame { run.takeReceivers(of: known[place].run) }
        return isSame
    }

    /// - Parameter run: matched, of `topic`.
    @inline(never)
    mutating func remember(_ topic: UnsafeRawBufferPointer, _ version: UInt64, _ run: RunsAhead.Run) {
        guard topic.count <= Self.longest, run.isMatched else { return }
        if known.count == 0 {
            known.grow(filling: .nothing, to: Self.places)
            topics.grow(filling: 0, to: Self.places * Self.longest)
        }
        let place = Self.place(of: topic)
        known[place] = Known(version: version, octets: topic.count, run: run)
        topics.withMutableElements { topics in
            UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(topics)[(place * Self.longest)...])
                .copyMemory(from: topic)
        }
    }

    /// Need not be secret: who knows it can push others out, which costs them a look at the index.
    @inline(__always)
    private static func place(of topic: UnsafeRawBufferPointer) -> Int {
        var (hash, offset) = (UInt64(truncatingIfNeeded: topic.count), 0)
        while offset < topic.count {
            let product = (hash ^ topic.word(at: offset, filling: 0)).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            hash = product.high ^ product.low
            offset += 8
        }
        return Int(truncatingIfNeeded: hash) & (places - 1)
    }
}
