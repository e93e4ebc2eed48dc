import Messaging

/// "Who gets a message of this topic?"
extension SubscriptionIndex {
    /// Puts everyone who gets a message of `topic` into `matches`: a subscriber once per matching subscription, a share group
    /// once, for `pick`.
    func match(_ topic: UnsafeRawBufferPointer, into matches: inout Matches) {
        matches.clear()
        tree.withView { tree in
            entries.withElements { entries in
                identifiers.withElements { identifiers in
                    let walk = Walk(tree: tree, entries: entries, identifiers: identifiers, topic: topic)
                    walk.visit(LevelNode.root, at: 0, into: &matches)
                }
            }
        }
        if !matches.sharing.isEmpty { collectGroups(&matches) }
    }

    /// The same for a topic that has been matched ahead.
    func match(_ run: RunsAhead.Run, into matches: inout Matches) {
        matches.clear()
        entries.withElements { entries in
            identifiers.withElements { identifiers in
                if run.count > 0 { Self.collect(run.lists.0, entries, identifiers, into: &matches) }
                if run.count > 1 { Self.collect(run.lists.1, entries, identifiers, into: &matches) }
                if run.count > 2 { Self.collect(run.lists.2, entries, identifiers, into: &matches) }
            }
        }
    }

    /// The subscriber of a list that has one and no more.
    @inline(__always)
    func only(in list: EntryID) -> Recipient? {
        entries[Int(list)].next == Self.none ? recipient(list) : nil
    }

    @inline(__always)
    private static func collect(
        _ list: EntryID, _ entries: UnsafeBufferPointer<Entry>, _ identifiers: UnsafeBufferPointer<UInt32>,
        into matches: inout Matches
    ) {
        matches.lists += 1
        var next = list
        while next != none {
            let entry = entries[Int(next)]
            let identifier = entry.options.isIdentified ? identifiers[Int(next)] : 0
            matches.append(
                Recipient(
                    subscriber: entry.subscriber, identifier: identifier, share: ShareGroups.none,
                    options: entry.options))
            next = entry.next
        }
    }

    private func collectGroups(_ matches: inout Matches) {
        for place in matches.sharing {
            var group = shares.first(at: place.node)
            while group != ShareGroups.none {
                if shares.isBelow(group) ? place.wildcards : place.hasEnded { matches.append(group) }
                group = shares.next(after: group)
            }
        }
    }

    /// One walk, on bare pointers: nothing is retained, nothing allocated.
    private struct Walk {
        let tree: Tree.View
        let entries: UnsafeBufferPointer<Entry>
        let identifiers: UnsafeBufferPointer<UInt32>
        let topic: UnsafeRawBufferPointer

        /// Goes down from `node`; where both the level's own node and `+` lead on, into the first by itself and with the second further.
        /// - Parameter start: where in the topic the level below `node` begins.
        func visit(_ node: LevelNode.ID, at start: Int, into matches: inout Matches) {
            var (node, start) = (node, start)
            while node != LevelNode.none {
                let branch = tree[node]
                let hasEnded = start > topic.count
                // MQTT-4.7.2-1: at the first level, wildcards do not match names that start with $.
                let wildcards = start > 0 || topic.first != UInt8(ascii: "$")
                if branch.below != SubscriptionIndex.none, wildcards { collect(branch.below, into: &matches) }
                if branch.hasShares {
                    matches.append(Matches.Sharing(node: node, hasEnded: hasEnded, wildcards: wildcards))
                }
                guard !hasEnded else {
                    if branch.exact != SubscriptionIndex.none { collect(branch.exact, into: &matches) }
                    return
                }
                let plus = wildcards ? branch.plus : LevelNode.none
                guard tree.hasChildren(node) || plus != LevelNode.none else { return }
                let end = topic.endOfLevel(from: start)
                let child = tree.child(of: node, UnsafeRawBufferPointer(rebasing: topic[start..<end]))
                start = end + 1
                if plus != LevelNode.none, child != LevelNode.none { visit(child, at: start, into: &matches) }
                node = plus != LevelNode.none ? plus : child
            }
        }

        private func collect(_ first: EntryID, into matches: inout Matches) {
            SubscriptionIndex.collect(first, entries, identifiers, into: &matches)
        }
    }
}
