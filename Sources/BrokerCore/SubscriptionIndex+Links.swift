import Messaging

/// Places in the tree, and the lists that hang on them and on subscribers.
extension SubscriptionIndex {
    /// Where `filter` ends; nil when the tree has no such node.
    func place(of filter: TopicFilter) -> Place? {
        var pattern = filter.pattern
        return pattern.withUTF8 { octets in
            var levels = Levels(UnsafeRawBufferPointer(octets))
            let isBelow = levels.dropHash()
            let node = tree.find(levels)
            return node == LevelTree.none ? nil : Place(node: node, isBelow: isBelow)
        }
    }

    /// Where `filter` ends, its nodes made where missing.
    mutating func makePlace(_ filter: TopicFilter) -> Place {
        var pattern = filter.pattern
        return pattern.withUTF8 { octets in
            var levels = Levels(UnsafeRawBufferPointer(octets))
            let isBelow = levels.dropHash()
            let node = tree.insert(levels)
            linkWildcards(node)
            return Place(node: node, isBelow: isBelow)
        }
    }

    func pattern(of place: Place) -> String {
        guard place.isBelow else { return tree.path(to: place.node) }
        return place.node == LevelTree.root ? "#" : tree.path(to: place.node) + "/#"
    }

    /// Tells the parents of `+` nodes about them.
    private mutating func linkWildcards(_ node: LevelTree.NodeID) {
        while branches.count < tree.capacity { branches.append(Branch()) }
        var node = node
        while node != LevelTree.root {
            let parent = tree.parent(of: node)
            if tree.withName(of: node, { $0.count == 1 && $0[0] == UInt8(ascii: "+") }) {
                branches[Int(parent)].plus = node
            }
            node = parent
        }
    }

    mutating func linkToNode(_ id: EntryID) {
        let place = entries[Int(id)].place
        let first = branches[Int(place.node)][isBelow: place.isBelow]
        entries[Int(id)].next = first
        if first != Self.none { entries[Int(first)].previous = id }
        branches[Int(place.node)][isBelow: place.isBelow] = id
    }

    mutating func linkToSubscriber(_ id: EntryID) {
        let subscriber = Int(entries[Int(id)].subscriber)
        while subscribers.count <= subscriber { subscribers.append(Holdings()) }
        let first = subscribers[subscriber].first
        entries[Int(id)].nextOfSubscriber = first
        if first != Self.none { entries[Int(first)].previousOfSubscriber = id }
        subscribers[subscriber].first = id
        subscribers[subscriber].count += 1
    }

    mutating func remove(_ id: EntryID) {
        let entry = entries[Int(id)]
        if !entry.options.isShared {
            unlinkFromNode(entry)
        } else {
            if shares.name(of: entry.share) != ShareGroups.exclusive { sharedCount -= 1 }
            shares.remove(id, from: entry.share, first: &branches[Int(entry.node)].shares)
        }
        unlinkFromSubscriber(entry)
        unchain(id)
        entries[Int(id)].chain = freeEntry
        entries[Int(id)].next = Self.none
        freeEntry = id
        count -= 1
        release(entry.node)
    }

    private mutating func unlinkFromNode(_ entry: Entry) {
        if entry.previous == Self.none {
            branches[Int(entry.node)][isBelow: entry.options.isBelow] = entry.next
        } else {
            entries[Int(entry.previous)].next = entry.next
        }
        if entry.next != Self.none { entries[Int(entry.next)].previous = entry.previous }
    }

    private mutating func unlinkFromSubscriber(_ entry: Entry) {
        subscribers[Int(entry.subscriber)].count -= 1
        if entry.previousOfSubscriber == Self.none {
            subscribers[Int(entry.subscriber)].first = entry.nextOfSubscriber
        } else {
            entries[Int(entry.previousOfSubscriber)].nextOfSubscriber = entry.nextOfSubscriber
        }
        if entry.nextOfSubscriber != Self.none {
            entries[Int(entry.nextOfSubscriber)].previousOfSubscriber = entry.previousOfSubscriber
        }
    }

    /// Ends an entry's hold on its node, and clears what the parents of nodes that go with it remember of them.
    private mutating func release(_ node: LevelTree.NodeID) {
        tree.endHold(node)
        var node = node
        while let parent = tree.removeUnused(node) {
            branches[Int(node)] = Branch()
            if branches[Int(parent)].plus == node { branches[Int(parent)].plus = LevelTree.none }
            node = parent
        }
    }
}
