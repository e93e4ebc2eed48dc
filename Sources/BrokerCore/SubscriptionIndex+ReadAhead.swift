import Messaging

/// Reading ahead for a batch of topics.
///
/// Among very many subscriptions a walk waits for memory at each step: for a place in the table, for a node, for its name, one after the
/// other. What the walks of different topics wait for has nothing to do with each other. So before they begin scouts go down the tree,
/// one for each topic, all at one pace: when the last has asked memory for its line, that of the first has come. Each goes one way, by the
/// levels' own nodes and where there is none by `+`, and decides nothing.
extension SubscriptionIndex {
    /// More lines than memory answers for at the same time, fewer than would push each other out of the processor's first cache.
    private static let scouts = 32
    /// Octets of an index that stays in the processor's second cache: nothing is waited for then.
    private static let cached = 1 << 20

    /// Asks memory for what walks for the first of `messages` will read.
    /// - Returns: how many it was done for.
    func readAhead(_ messages: borrowing MessageBatch) -> Int {
        guard messages.count > 1, octets > Self.cached else { return messages.count }
        let end = min(Self.scouts, messages.count)
        withUnsafeTemporaryAllocation(of: Scout.self, capacity: end) { scouts in
            var count = 0
            for index in 0..<end where index == 0 || messages[index].way != messages[index - 1].way {
                scouts.initializeElement(at: count, to: Scout(topic: messages[index].octetsInPlace.topic))
                count += 1
            }
            guard count > 1 else { return }
            tree.withView { tree in
                entries.withElements { entries in
                    while count > 0 { count = Self.step(scouts, count, tree, entries) }
                }
            }
        }
        return end
    }

    /// One level down.
    /// - Returns: how many go on; they stand in front.
    private static func step(
        _ scouts: UnsafeMutableBufferPointer<Scout>, _ count: Int, _ tree: Tree.View,
        _ entries: UnsafeBufferPointer<Entry>
    ) -> Int {
        var left = 0
        for index in 0..<count where scouts[index].beginStep(tree, entries) {
            scouts[left] = scouts[index]
            left += 1
        }
        for index in 0..<left { tree.continueSearch(&scouts[index].search) }
        for index in 0..<left { scouts[index].endStep(tree) }
        return left
    }

    private struct Scout: BitwiseCopyable {
        let topic: UnsafeRawBufferPointer
        /// Where in the topic the level below `node` begins.
        var position = 0
        var node = LevelNode.root
        /// For the child of that level.
        var search = Tree.View.Search.inVain
        /// The child `+`.
        var plus = LevelNode.none

        /// - Returns: whether there is a step to be made.
        @inline(__always)
        mutating func beginStep(_ tree: Tree.View, _ entries: UnsafeBufferPointer<Entry>) -> Bool {
            guard node != LevelNode.none else { return false }
            let branch = tree[node]
            entries.prefetch(branch.below)
            guard position <= topic.count else {
                entries.prefetch(branch.exact)
                return false
            }
            let end = topic.endOfLevel(from: position)
            search = tree.beginSearch(UnsafeRawBufferPointer(rebasing: topic[position..<end]), below: node)
            plus = branch.plus
            tree.prefetch(plus)
            position = end + 1
            return true
        }

        @inline(__always)
        mutating func endStep(_ tree: Tree.View) {
            node = search.node == LevelNode.none ? plus : search.node
            tree.prefetchName(of: node)
        }
    }
}
