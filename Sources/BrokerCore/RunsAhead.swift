import Messaging

/// The runs that a batch begins with, and who gets them as far as is known; kept and reused.
///
/// A run is neighbours of the same topic and publisher: they are checked and matched once, and put into each mailbox under one lock.
struct RunsAhead: ~Copyable, Sendable {
    struct Run: WalkVisitor, BitwiseCopyable, Sendable {
        /// Messages that have not been routed.
        fileprivate(set) var messages: Int
        /// The lists of subscriptions that the topic matches, `count` of them, by their first entries.
        private(set) var lists = (SubscriptionIndex.none, SubscriptionIndex.none, SubscriptionIndex.none)
        private(set) var count = 0
        /// The lists are all there are. Else a walk for this topic alone finds out: none was made yet, there are more lists, or share
        /// groups, which take turns.
        private(set) var isMatched = false

        init(messages: Int) { self.messages = messages }

        /// From here on every list is met; who cannot gives up.
        mutating func begin() { isMatched = true }

        @inline(__always)
        mutating func meet(_ list: SubscriptionIndex.EntryID) {
            switch count {
            case 0: lists.0 = list
            case 1: lists.1 = list
            case 2: lists.2 = list
            default: return giveUp()
            }
            count += 1
        }

        mutating func meet(_ place: Matches.Sharing) { giveUp() }

        mutating func giveUp() { isMatched = false }

        /// Those of a run of the same topic.
        @inline(__always)
        mutating func takeReceivers(of other: Run) {
            (lists, count, isMatched) = (other.lists, other.count, other.isMatched)
        }

        /// Nobody has subscribed to it.
        var isForNobody: Bool { isMatched && count == 0 }

        /// The only list there is.
        @inline(__always)
        var onlyList: SubscriptionIndex.EntryID? { isMatched && count == 1 ? lists.0 : nil }
    }

    /// As many topics as are matched at once: more lines than memory answers for at the same time, fewer than would push each other out of
    /// the processor's first cache.
    static let most = 64

    private var runs = FlatArray<Run>()
    private var next = 0

    /// No run is known of.
    var isEmpty: Bool { next == runs.count }
    /// Runs that were found, until the first is passed.
    var count: Int { runs.count }
    subscript(place: Int) -> Run { runs[place] }
    /// That the batch begins with now.
    var first: Run { runs[next] }

    /// Finds the first runs of `messages`, of which there is one at least. Nothing is known of their receivers then.
    mutating func find(in messages: borrowing MessageBatch) {
        runs.removeAll()
        next = 0
        var (start, way) = (0, messages[0].way)
        for index in 1..<max(1, messages.count) where messages[index].way != way {
            runs.append(Run(messages: index - start))
            guard runs.count < Self.most else { return }
            (start, way) = (index, messages[index].way)
        }
        runs.append(Run(messages: messages.count - start))
    }

    /// Lends all for the walks that match them.
    @inline(__always)
    mutating func withRuns(_ body: (UnsafeMutableBufferPointer<Run>) -> Void) {
        runs.withMutableElements(body)
    }

    /// The first `messages` of the batch have been routed; no more than the first run has.
    mutating func pass(_ messages: Int) {
        runs[next].messages -= messages
        if runs[next].messages == 0 { next += 1 }
    }
}
