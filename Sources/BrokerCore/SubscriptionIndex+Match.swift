import Messaging

/// "Who gets a message of this topic?"
extension SubscriptionIndex {
    /// Puts everyone who gets a message of `topic` into `matches`: a subscriber once per matching subscription, a share group
    /// once, for `pick`.
    func match(_ topic: TopicName, into matches: inout Matches) {
        var text = topic.string
        text.withUTF8 { octets in
            let topic = UnsafeRawBufferPointer(octets)
            matches.prepare(topic, tree)
            tree.withView { tree in
                branches.withElements { branches in
                    entries.withElements { entries in
                        let walk = Walk(tree: tree, branches: branches, entries: entries, shares: shares, topic: topic)
                        walk.visit(LevelTree.root, depth: 0, into: &matches)
                    }
                }
            }
        }
    }

    /// One walk, on bare pointers: nothing is retained, nothing allocated.
    private struct Walk {
        let tree: LevelTree.View
        let branches: UnsafeBufferPointer<Branch>
        let entries: UnsafeBufferPointer<Entry>
        let shares: ShareGroups
        let topic: UnsafeRawBufferPointer

        func visit(_ node: LevelTree.NodeID, depth: Int, into matches: inout Matches) {
            let branch = branches[Int(node)]
            // MQTT-4.7.2-1: at the first level, wildcards do not match names that start with $.
            let wildcards = depth > 0 || topic.first != UInt8(ascii: "$")
            if branch.below != SubscriptionIndex.none, wildcards { collect(branch.below, into: &matches) }
            if branch.shares != ShareGroups.none {
                collect(branch.shares, hasEnded: depth == matches.levels.count, wildcards: wildcards, into: &matches)
            }
            guard depth < matches.levels.count else {
                if branch.exact != SubscriptionIndex.none { collect(branch.exact, into: &matches) }
                return
            }
            let level = matches.levels[depth]
            let child = tree.child(of: node, level: level.octets(of: topic), levelHash: level.hash)
            if child != LevelTree.none { visit(child, depth: depth + 1, into: &matches) }
            if branch.plus != LevelTree.none, wildcards { visit(branch.plus, depth: depth + 1, into: &matches) }
        }

        private func collect(_ first: EntryID, into matches: inout Matches) {
            matches.lists += 1
            var next = first
            while next != SubscriptionIndex.none {
                let entry = entries[Int(next)]
                matches.append(entry)
                next = entry.next
            }
        }

        /// - Parameter hasEnded: the topic ends at this node, so that not only filters with `#` match.
        private func collect(
            _ first: ShareGroups.GroupID, hasEnded: Bool, wildcards: Bool, into matches: inout Matches
        ) {
            var group = first
            while group != ShareGroups.none {
                if shares.isBelow(group) ? wildcards : hasEnded {
                    matches.lists += 1
                    matches.append(group)
                }
                group = shares.next(after: group)
            }
        }
    }
}
