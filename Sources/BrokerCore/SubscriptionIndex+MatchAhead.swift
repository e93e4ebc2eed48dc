import Messaging

/// Matching a batch of topics.
///
/// Among very many subscriptions a walk waits for memory at each step: for a place in the table, for a node, for its name, one after the
/// other. What the walks of different topics wait for has nothing to do with each other. So those of a batch go down the tree together,
/// all at one pace: when the last has asked memory for its line, that of the first has come.
extension SubscriptionIndex {
    /// Walks for the most topics, and those that branch off where the level's own node and `+` both lead on.
    private static let walksAtOnce = 2 * RunsAhead.most

    /// Looks for everyone who gets the runs that `messages` begins with.
    func matchAhead(_ messages: borrowing MessageBatch, _ runs: inout RunsAhead, _ recent: inout RecentTopics) {
        guard runs.count == 1 else { return matchAhead(messages, &runs) }
        let topic = messages[0].octetsInPlace.topic
        runs.withRuns { runs in
            if recent.recall(topic, version, for: &runs[0]) { return }
            runs[0].begin()
            if count > 0 { walk(topic, &runs[0]) }
            recent.remember(topic, version, runs[0])
        }
    }

    /// The same without looking at what is known already.
    private func matchAhead(_ messages: borrowing MessageBatch, _ runs: inout RunsAhead) {
        runs.withRuns { for run in $0.indices { $0[run].begin() } }
        guard count > 0 else { return }
        withUnsafeTemporaryAllocation(of: GroupWalk.Walker.self, capacity: Self.walksAtOnce) { walkers in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.walksAtOnce) { active in
                var message = 0
                for run in 0..<runs.count {
                    walkers.initializeElement(
                        at: run, to: GroupWalk.Walker(messages[message].octetsInPlace.topic, run: run))
                    message += runs[run].messages
                }
                tree.withView { tree in
                    entries.withElements { entries in
                        runs.withRuns { runs in
                            var walk = GroupWalk(
                                tree: tree, entries: entries, runs: runs, walkers: walkers, active: active)
                            walk.go()
                        }
                    }
                }
            }
        }
    }

    /// The walks of a batch, on bare pointers.
    private struct GroupWalk {
        let tree: Tree.View
        let entries: UnsafeBufferPointer<Entry>
        let runs: UnsafeMutableBufferPointer<RunsAhead.Run>
        let walkers: UnsafeMutableBufferPointer<Walker>
        /// Numbers of those that go on; the first `count` of them.
        let active: UnsafeMutableBufferPointer<UInt8>
        var count = 0
        /// Walkers there are.
        var walkerCount = 0

        struct Walker: BitwiseCopyable {
            let topic: UnsafeRawBufferPointer
            /// In `runs`.
            let run: Int32
            var node = LevelNode.root
            /// Where in the topic the level below `node` begins and ends.
            var start: Int32 = 0
            var end: Int32 = -1
            /// For the child of that level.
            var search = Tree.View.Search.inVain
            /// The child `+`.
            var plus = LevelNode.none

            @inline(__always)
            init(_ topic: UnsafeRawBufferPointer, run: Int) {
                self.topic = topic
                self.run = Int32(truncatingIfNeeded: run)
            }

            @inline(__always)
            var level: UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(
                    start: topic.baseAddress.map { $0 + Int(start) }, count: Int(end &- start))
            }
        }

        mutating func go() {
            walkerCount = runs.count
            goAheadTogether()
            for number in 0..<walkerCount { enter(number) }
            while count > 0 {
                for index in 0..<count { tree.continueSearch(&walkers[Int(active[index])].search) }
                for index in 0..<count { tree.prefetchName(of: walkers[Int(active[index])].search.node) }
                step()
            }
        }

        /// Where topics begin alike, as those of one publisher do, and nothing hangs on the way, one goes for all.
        private func goAheadTogether() {
            let topic = walkers[0].topic
            guard topic.first != UInt8(ascii: "$") else { return }  // MQTT-4.7.2-1 is seen to by `enter`
            let shared = sharedLevels(of: topic)
            var (node, start) = (LevelNode.root, 0)
            while true {
                let branch = tree[node]
                guard branch.below == SubscriptionIndex.none, !branch.hasShares else { break }
                let end = topic.endOfLevel(from: start)
                guard end < shared else { break }
                let child = tree.child(of: node, UnsafeRawBufferPointer(rebasing: topic[start..<end]))
                guard branch.plus == LevelNode.none || child == LevelNode.none else { break }
                node = branch.plus == LevelNode.none ? child : branch.plus
                start = end + 1
                guard node != LevelNode.none else { break }
            }
            for number in 0..<walkerCount {
                walkers[number].node = node
                walkers[number].end = Int32(truncatingIfNeeded: start - 1)
            }
        }

        /// Octets of the levels that all topics begin with, each with its slash.
        private func sharedLevels(of topic: UnsafeRawBufferPointer) -> Int {
            var count = topic.count
            for number in 1..<walkerCount {
                let other = walkers[number].topic
                if !other.hasPrefix(topic, count) {
                    count = topic.endOfLastLevel(before: topic.octetsShared(with: other))
                }
            }
            return count
        }

        /// One level down.
        @inline(__always)
        private mutating func step() {
            let (entering, branching) = (count, walkerCount)
            count = 0
            for index in 0..<entering {
                let number = Int(active[index])
                let walker = walkers[number]
                let child = tree.endSearch(walker.search, walker.level, below: walker.node)
                if walker.plus != LevelNode.none, child != LevelNode.none { branchOff(from: number, to: child) }
                walkers[number].node = walker.plus != LevelNode.none ? walker.plus : child
                enter(number)
            }
            for number in branching..<walkerCount { enter(number) }
        }

        /// Goes two ways, if there is room for another walker.
        @inline(never)
        private mutating func branchOff(from number: Int, to child: LevelNode.ID) {
            guard walkerCount < walkers.count else { return runs[Int(walkers[number].run)].giveUp() }
            walkers.initializeElement(at: walkerCount, to: walkers[number])
            walkers[walkerCount].node = child
            walkerCount += 1
        }

        /// Takes note of what hangs on the node, and begins the search for the next. Who finds none does not go on.
        @inline(__always)
        private mutating func enter(_ number: Int) {
            let walker = walkers[number]
            guard walker.node != LevelNode.none else { return }
            let branch = tree[walker.node]
            let start = walker.end &+ 1
            // MQTT-4.7.2-1: at the first level, wildcards do not match names that start with $.
            let wildcards = start > 0 || walker.topic.first != UInt8(ascii: "$")
            if branch.below != SubscriptionIndex.none, wildcards { note(branch.below, walker) }
            if branch.hasShares { runs[Int(walker.run)].giveUp() }
            guard Int(start) <= walker.topic.count else {
                if branch.exact != SubscriptionIndex.none { note(branch.exact, walker) }
                return
            }
            let plus = wildcards ? branch.plus : LevelNode.none
            guard tree.hasChildren(walker.node) || plus != LevelNode.none else { return }
            walkers[number].plus = plus
            tree.prefetch(plus)
            walkers[number].start = start
            walkers[number].end = Int32(truncatingIfNeeded: walker.topic.endOfLevel(from: Int(start)))
            walkers[number].search = tree.beginSearch(walkers[number].level, below: walker.node)
            active[count] = UInt8(truncatingIfNeeded: number)
            count += 1
        }

        @inline(__always)
        private func note(_ list: EntryID, _ walker: Walker) {
            entries.prefetch(list)
            runs[Int(walker.run)].meet(list)
        }
    }
}
