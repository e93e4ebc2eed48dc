import Messaging

/// Places in the tree, and the lists that hang on them and on subscribers.
extension SubscriptionIndex {
    /// Where `filter` ends; nil when the tree has no such node.
    func place(of filter: TopicFilter) -> Place? {
        filter.withPattern { octets in
            var levels = Levels(octets)
            let isBelow = levels.dropHash()
            return tree.withView { tree in
                var node = LevelNode.root
                for level in levels {
                    node = level.isPlus ? tree[node].plus : tree.child(of: node, level)
                    guard node != LevelNode.none else { return nil }
                }
                return Place(node: node, isBelow: isBelow)
            }
        }
    }

    /// Where `filter` ends, its nodes made where missing.
    mutating func makePlace(_ filter: TopicFilter) -> Place {
        filter.withPattern { octets in
            var levels = Levels(octets)
            let isBelow = levels.dropHash()
            var node = LevelNode.root
            for level in levels {
                node = level.isPlus ? makePlus(of: node) : tree.insertChild(level, of: node).node
            }
            return Place(node: node, isBelow: isBelow)
        }
    }

    private mutating func makePlus(of parent: LevelNode.ID) -> LevelNode.ID {
        let existing = tree[parent].plus
        guard existing == LevelNode.none else { return existing }
        let node = tree.appendPlus(to: parent)
        tree[parent].plus = node
        return node
    }

    func pattern(of place: Place) -> String {
        guard place.isBelow else { return tree.path(to: place.node) }
        return place.node == LevelNode.root ? "#" : tree.path(to: place.node) + "/#"
    }

    mutating func linkToNode(_ id: EntryID) {
        let place = entries[Int(id)].place
        let first = tree[place.node][isBelow: place.isBelow]
        entries[Int(id)].next = first
        if first != Self.none { entries[Int(first)].previous = id }
        tree[place.node][isBelow: place.isBelow] = id
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
        version += 1
        if !entry.options.isShared {
            unlinkFromNode(entry)
        } else {
            if shares.name(of: entry.share) != ShareGroups.exclusive { sharedCount -= 1 }
            let hasOthers = shares.remove(id, from: entry.share, at: entry.node)
            tree[entry.node].hasShares = hasOthers
        }
        unlinkFromSubscriber(entry)
        unchain(id)
        entries[Int(id)].chain = freeEntry
        entries[Int(id)].next = Self.none
        freeEntry = id
        count -= 1
        removeUnused(entry.node)
    }

    private mutating func unlinkFromNode(_ entry: Entry) {
        if entry.previous == Self.none {
            tree[entry.node][isBelow: entry.options.isBelow] = entry.next
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

    /// Takes out a node that nothing hangs on any more, with those of its ancestors of which that is true then.
    private mutating func removeUnused(_ node: LevelNode.ID) {
        var node = node
        while node != LevelNode.root, !tree.hasChildren(node), tree[node].isEmpty {
            let parent = tree.parent(of: node)
            if tree[parent].plus == node {
                tree[parent].plus = LevelNode.none
                tree.removePlus(node)
            } else {
                tree.remove(node)
            }
            node = parent
        }
    }
}
