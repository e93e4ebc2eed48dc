import Messaging

/// "Who gets a message of this topic?"
extension SubscriptionIndex {
    /// Puts everyone who gets a message of `topic` into `matches`: a subscriber once per matching subscription, a share group
    /// once, for `pick`.
    func match(_ topic: UnsafeRawBufferPointer, into matches: inout Matches) {
        matches.clear()
        walk(topic, &matches)
        collectEntries(&matches)
        if !matches.sharing.isEmpty { collectGroups(&matches) }
    }

    /// The same for a topic that has been matched ahead.
    func match(_ run: RunsAhead.Run, into matches: inout Matches) {
        matches.clear()
        if run.count > 0 { matches.meet(run.lists.0) }
        if run.count > 1 { matches.meet(run.lists.1) }
        if run.count > 2 { matches.meet(run.lists.2) }
        collectEntries(&matches)
    }

    /// Goes down the tree where `topic` leads.
    @inline(__always)
    func walk(_ topic: UnsafeRawBufferPointer, _ visitor: inout some WalkVisitor) {
        tree.withView { tree in
            Walk(tree: tree, topic: topic).visit(LevelNode.root, at: 0, &visitor)
        }
    }

    /// The subscriber of a list that has one and no more.
    @inline(__always)
    func only(in list: EntryID) -> Recipient? {
        entries[Int(list)].next == Self.none ? recipient(list) : nil
    }

    private func collectEntries(_ matches: inout Matches) {
        entries.withElements { entries in
            identifiers.withElements { identifiers in
                for list in matches.lists.indices {
                    var next = matches.lists[list]
                    while next != Self.none {
                        let entry = entries[Int(next)]
                        let identifier = entry.options.isIdentified ? identifiers[Int(next)] : 0
                        matches.append(
                            Recipient(
                                subscriber: entry.subscriber, identifier: identifier, share: ShareGroups.none,
                                options: entry.options))
                        next = entry.next
                    }
                }
            }
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
        let topic: UnsafeRawBufferPointer

        /// Goes down from `node`; where both the level's own node and `+` lead on, into the first by itself and with the second further.
        /// - Parameter start: where in the topic the level below `node` begins.
        func visit(_ node: LevelNode.ID, at start: Int, _ visitor: inout some WalkVisitor) {
            var (node, start) = (node, start)
            while node != LevelNode.none {
                let branch = tree[node]
                let hasEnded = start > topic.count
                // MQTT-4.7.2-1: at the first level, wildcards do not match names that start with $.
                let wildcards = start > 0 || topic.first != UInt8(ascii: "$")
                if branch.below != SubscriptionIndex.none, wildcards { visitor.meet(branch.below) }
                if branch.hasShares {
                    visitor.meet(Matches.Sharing(node: node, hasEnded: hasEnded, wildcards: wildcards))
                }
                guard !hasEnded else {
                    if branch.exact != SubscriptionIndex.none { visitor.meet(branch.exact) }
                    return
                }
                let plus = wildcards ? branch.plus : LevelNode.none
                guard tree.hasChildren(node) || plus != LevelNode.none else { return }
                let end = topic.endOfLevel(from: start)
                let child = tree.child(of: node, UnsafeRawBufferPointer(rebasing: topic[start..<end]))
                start = end + 1
                if plus != LevelNode.none, child != LevelNode.none { visit(child, at: start, &visitor) }
                node = plus != LevelNode.none ? plus : child
            }
        }
    }
}

/// Takes note of what a walk comes by.
protocol WalkVisitor {
    /// A list of subscriptions, by its first entry.
    mutating func meet(_ list: SubscriptionIndex.EntryID)
    /// A node with share groups.
    mutating func meet(_ place: Matches.Sharing)
}
