import Messaging

/// All subscriptions, and the answer to "who gets a message of this topic" (MQTT 5.0, 4.7, 4.8).
///
/// A subscription is an entry in a flat array, linked into the list of the tree node its filter ends at and into the list of
/// its subscriber. `+` and `#` are ordinary nodes of the tree, remembered in their parent's branch so that a walk finds them
/// without hashing.
///
/// Memory: 32 octets an entry, about 60 a node. A walk visits each level once for its exact child and once for each `+` on the way.
struct SubscriptionIndex: ~Copyable {
    typealias SubscriberID = Int32
    typealias EntryID = Int32
    static let none: Int32 = -1

    /// One subscription of one subscriber.
    struct Entry {
        var subscriber: SubscriberID
        var node: LevelTree.NodeID
        var identifier: UInt32
        var options: Options
        /// Neighbours in the list of the node (or share group).
        fileprivate var next: EntryID
        fileprivate var previous: EntryID
        fileprivate var nextOfSubscriber: EntryID
        fileprivate var previousOfSubscriber: EntryID
        /// Next in the bucket of `entryBuckets`; for a free entry the next free one.
        fileprivate var chain: EntryID
        /// The share group it belongs to, or `none`.
        fileprivate(set) var share: ShareGroups.GroupID
    }

    /// QoS and flags in one octet.
    struct Options: Equatable {
        private var bits: UInt8

        init(_ subscription: Subscription, isPartial: Bool = false) {
            bits = subscription.qos.rawValue | (subscription.noLocal ? 4 : 0) | (subscription.retainAsPublished ? 8 : 0)
            self.isPartial = isPartial
        }

        var qos: QoS { QoS(rawValue: bits & 3) ?? .atMostOnce }
        var noLocal: Bool { bits & 4 != 0 }
        var retainAsPublished: Bool { bits & 8 != 0 }
        /// Each message needs a look at the subscriber's rights (`SubscriptionAccess.partial`).
        var isPartial: Bool {
            get { bits & 16 != 0 }
            set { bits = newValue ? bits | 16 : bits & ~16 }
        }
        /// Whether a message may be left out: no-local or partial, one question for the walk.
        var isConditional: Bool { bits & 20 != 0 }
    }

    /// The list of one subscriber's entries.
    private struct Holdings {
        var first = SubscriptionIndex.none
        /// Asked for with every subscription, so counted along.
        var count: Int32 = 0
    }

    /// What hangs on a tree node.
    private struct Branch {
        var plus = LevelTree.none
        var hash = LevelTree.none
        var entries = SubscriptionIndex.none
        var shares = SubscriptionIndex.none
    }

    private var tree = LevelTree()
    private var branches: ContiguousArray<Branch> = [Branch()]
    private var entries: ContiguousArray<Entry> = []
    private var freeEntry = none
    private var entryBuckets = ContiguousArray(repeating: none, count: 64)
    /// What each subscriber holds.
    private var subscribers: ContiguousArray<Holdings> = []
    private(set) var shares = ShareGroups()

    /// Subscriptions in all, shared ones included.
    private(set) var count = 0
    private(set) var sharedCount = 0

    // MARK: Changing

    /// Adds a subscription, or replaces the options of an equal one (MQTT-3.8.4-3).
    /// - Returns: whether it is new.
    mutating func insert(_ subscription: Subscription, for subscriber: SubscriberID, isPartial: Bool = false) -> Bool {
        let node = tree.insert(subscription.filter.pattern)
        linkWildcard(node)
        let share = subscription.filter.groupName.map { group in
            shares.insert(group, on: node, first: &branches[Int(node)].shares)
        }
        let options = Options(subscription, isPartial: isPartial)
        let existing = find(subscriber, node, share ?? Self.none)
        guard existing == Self.none else {
            entries[Int(existing)].options = options
            entries[Int(existing)].identifier = subscription.identifier
            return false
        }
        tree.hold(node)
        let entry = store(
            Entry(
                subscriber: subscriber, node: node, identifier: subscription.identifier, options: options,
                next: Self.none, previous: Self.none, nextOfSubscriber: Self.none,
                previousOfSubscriber: Self.none, chain: Self.none, share: share ?? Self.none))
        linkToSubscriber(entry)
        if let share {
            shares.append(entry, to: share)
            if subscription.filter.shareGroup != nil { sharedCount += 1 }
        } else {
            linkToNode(entry)
        }
        count += 1
        return true
    }

    /// - Returns: whether there was such a subscription.
    mutating func remove(_ filter: TopicFilter, of subscriber: SubscriberID) -> Bool {
        guard let entry = find(filter, of: subscriber) else { return false }
        remove(entry)
        return true
    }

    /// Notes whether messages for a subscription need a look at the subscriber's rights.
    mutating func setPartial(_ isPartial: Bool, _ filter: TopicFilter, of subscriber: SubscriberID) {
        guard let entry = find(filter, of: subscriber) else { return }
        entries[Int(entry)].options.isPartial = isPartial
    }

    private func find(_ filter: TopicFilter, of subscriber: SubscriberID) -> EntryID? {
        let node = tree.find(filter.pattern)
        guard node != LevelTree.none else { return nil }
        var share = Self.none
        if let group = filter.groupName {
            share = shares.find(group, first: branches[Int(node)].shares)
            guard share != Self.none else { return nil }
        }
        let entry = find(subscriber, node, share)
        return entry == Self.none ? nil : entry
    }

    /// Removes everything a subscriber holds.
    mutating func removeAll(of subscriber: SubscriberID) {
        guard Int(subscriber) < subscribers.count else { return }
        while subscribers[Int(subscriber)].first != Self.none { remove(subscribers[Int(subscriber)].first) }
    }

    // MARK: Asking

    func count(of subscriber: SubscriberID) -> Int {
        Int(subscriber) < subscribers.count ? Int(subscribers[Int(subscriber)].count) : 0
    }

    /// The filters a subscriber holds, in no particular order.
    func filters(of subscriber: SubscriberID) -> [String] {
        var filters: [String] = []
        forEachEntry(of: subscriber) { entry in
            filters.append(text(of: entry))
        }
        return filters
    }

    /// Puts everyone who gets a message of `topic` into `matches`: a subscriber once per matching subscription, a share group
    /// once, for `pick`.
    func match(_ topic: TopicName, into matches: inout Matches) {
        var text = topic.string
        text.withUTF8 { octets in
            let topic = UnsafeRawBufferPointer(octets)
            matches.prepare(topic, tree)
            tree.withView { tree in
                branches.withUnsafeBufferPointer { branches in
                    entries.withUnsafeBufferPointer { entries in
                        let walk = Walk(tree: tree, branches: branches, entries: entries, shares: shares, topic: topic)
                        walk.visit(LevelTree.root, depth: 0, into: &matches)
                    }
                }
            }
        }
    }

    subscript(id: EntryID) -> Entry { entries[Int(id)] }

    /// The entry of that number while it is a member of `group`.
    func entry(_ id: EntryID, in group: ShareGroups.GroupID) -> Entry? {
        guard Int(id) < entries.count, entries[Int(id)].share == group else { return nil }
        return entries[Int(id)]
    }

    /// The share groups a subscriber belongs to that have other members.
    func groupsWithOthers(than subscriber: SubscriberID) -> Set<ShareGroups.GroupID> {
        var groups: Set<ShareGroups.GroupID> = []
        forEachEntry(of: subscriber) { entry in
            if entry.share != Self.none, shares.members(of: entry.share).count > 1 { groups.insert(entry.share) }
        }
        return groups
    }

    /// Whether somebody else holds an exclusive subscription to the same pattern.
    func isTaken(_ filter: TopicFilter, for subscriber: SubscriberID) -> Bool {
        guard filter.isExclusive else { return false }
        let node = tree.find(filter.pattern)
        guard node != LevelTree.none else { return false }
        let group = shares.find(ShareGroups.exclusive, first: branches[Int(node)].shares)
        guard group != Self.none else { return false }
        return shares.members(of: group).contains { entries[Int($0)].subscriber != subscriber }
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
            if branch.hash != LevelTree.none, wildcards { collect(branch.hash, into: &matches) }
            guard depth < matches.levels.count else { return collect(node, into: &matches) }
            let level = matches.levels[depth]
            let child = tree.child(of: node, level: level.octets(of: topic), levelHash: level.hash)
            if child != LevelTree.none { visit(child, depth: depth + 1, into: &matches) }
            if branch.plus != LevelTree.none, wildcards { visit(branch.plus, depth: depth + 1, into: &matches) }
        }

        private func collect(_ node: LevelTree.NodeID, into matches: inout Matches) {
            let branch = branches[Int(node)]
            if branch.entries != SubscriptionIndex.none { matches.lists += 1 }
            var next = branch.entries
            while next != SubscriptionIndex.none {
                let entry = entries[Int(next)]
                matches.append(entry)
                next = entry.next
            }
            var group = branch.shares
            while group != SubscriptionIndex.none {
                matches.lists += 1
                matches.append(group)
                group = shares.next(after: group)
            }
        }
    }

    /// What a subscriber asked for, as far as it is kept: when retained messages are sent only matters while subscribing.
    func subscriptions(of subscriber: SubscriberID) -> [Subscription] {
        var subscriptions: [Subscription] = []
        forEachEntry(of: subscriber) { entry in
            guard let filter = try? TopicFilter(text(of: entry)) else { return }
            subscriptions.append(
                Subscription(
                    filter: filter, qos: entry.options.qos, noLocal: entry.options.noLocal,
                    retainAsPublished: entry.options.retainAsPublished, identifier: entry.identifier))
        }
        return subscriptions
    }

    /// The filter as its subscriber wrote it.
    private func text(of entry: Entry) -> String {
        let pattern = tree.path(to: entry.node)
        guard entry.share != Self.none else { return pattern }
        let group = shares.name(of: entry.share)
        return group == ShareGroups.exclusive ? "$exclusive/\(pattern)" : "$share/\(group)/\(pattern)"
    }

    private func forEachEntry(of subscriber: SubscriberID, _ body: (Entry) -> Void) {
        guard Int(subscriber) < subscribers.count else { return }
        var next = subscribers[Int(subscriber)].first
        while next != Self.none {
            body(entries[Int(next)])
            next = entries[Int(next)].nextOfSubscriber
        }
    }
}

// MARK: - Links

extension SubscriptionIndex {
    /// Tells the parent of a `+` or `#` node about it.
    private mutating func linkWildcard(_ node: LevelTree.NodeID) {
        while branches.count < tree.capacity { branches.append(Branch()) }
        var node = node
        while node != LevelTree.root {
            let parent = tree.parent(of: node)
            tree.withName(of: node) { name in
                guard name.count == 1 else { return }
                if name[0] == UInt8(ascii: "+") { branches[Int(parent)].plus = node }
                if name[0] == UInt8(ascii: "#") { branches[Int(parent)].hash = node }
            }
            node = parent
        }
    }

    private mutating func linkToNode(_ id: EntryID) {
        let node = Int(entries[Int(id)].node)
        let first = branches[node].entries
        entries[Int(id)].next = first
        if first != Self.none { entries[Int(first)].previous = id }
        branches[node].entries = id
    }

    private mutating func linkToSubscriber(_ id: EntryID) {
        let subscriber = Int(entries[Int(id)].subscriber)
        while subscribers.count <= subscriber { subscribers.append(Holdings()) }
        let first = subscribers[subscriber].first
        entries[Int(id)].nextOfSubscriber = first
        if first != Self.none { entries[Int(first)].previousOfSubscriber = id }
        subscribers[subscriber].first = id
        subscribers[subscriber].count += 1
    }

    private mutating func remove(_ id: EntryID) {
        let entry = entries[Int(id)]
        if entry.share == Self.none {
            unlinkFromNode(entry)
        } else {
            if shares.name(of: entry.share) != ShareGroups.exclusive { sharedCount -= 1 }
            shares.remove(id, from: entry.share, first: &branches[Int(entry.node)].shares)
        }
        unlinkFromSubscriber(entry)
        unchain(id)
        entries[Int(id)].chain = freeEntry
        entries[Int(id)].share = Self.none
        freeEntry = id
        count -= 1
        let branch = branches[Int(entry.node)]
        if branch.entries == Self.none, branch.shares == Self.none { release(entry.node) }
    }

    private mutating func unlinkFromNode(_ entry: Entry) {
        if entry.previous == Self.none {
            branches[Int(entry.node)].entries = entry.next
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

    /// Gives a node without entries back to the tree and clears what its parents remember of the nodes that went with it.
    private mutating func release(_ node: LevelTree.NodeID) {
        var ancestors: [(node: LevelTree.NodeID, parent: LevelTree.NodeID)] = []
        var walked = node
        while walked != LevelTree.root {
            ancestors.append((walked, tree.parent(of: walked)))
            walked = tree.parent(of: walked)
        }
        tree.release(node)
        for (gone, parent) in ancestors where tree.parent(of: gone) == LevelTree.none {
            branches[Int(gone)] = Branch()
            if branches[Int(parent)].plus == gone { branches[Int(parent)].plus = LevelTree.none }
            if branches[Int(parent)].hash == gone { branches[Int(parent)].hash = LevelTree.none }
        }
    }
}

// MARK: - The table of entries by subscriber, node and share group

extension SubscriptionIndex {
    private func bucket(_ subscriber: SubscriberID, _ node: LevelTree.NodeID, _ share: Int32) -> Int {
        var hash = UInt64(UInt32(bitPattern: subscriber)) << 32 | UInt64(UInt32(bitPattern: node))
        hash = (hash ^ UInt64(UInt32(bitPattern: share)) << 17) &* 0x9E37_79B9_7F4A_7C15
        return Int(hash >> 32) & (entryBuckets.count - 1)
    }

    private func find(_ subscriber: SubscriberID, _ node: LevelTree.NodeID, _ share: Int32) -> EntryID {
        var next = entryBuckets[bucket(subscriber, node, share)]
        while next != Self.none {
            let entry = entries[Int(next)]
            if entry.subscriber == subscriber, entry.node == node, entry.share == share { return next }
            next = entry.chain
        }
        return Self.none
    }

    private mutating func store(_ entry: Entry) -> EntryID {
        if count >= entryBuckets.count { growBuckets() }
        let id: EntryID
        if freeEntry == Self.none {
            id = EntryID(entries.count)
            entries.append(entry)
        } else {
            id = freeEntry
            freeEntry = entries[Int(id)].chain
            entries[Int(id)] = entry
        }
        let bucket = bucket(entry.subscriber, entry.node, entry.share)
        entries[Int(id)].chain = entryBuckets[bucket]
        entryBuckets[bucket] = id
        return id
    }

    private mutating func unchain(_ id: EntryID) {
        let entry = entries[Int(id)]
        let bucket = bucket(entry.subscriber, entry.node, entry.share)
        guard entryBuckets[bucket] != id else { return entryBuckets[bucket] = entry.chain }
        var before = entryBuckets[bucket]
        while entries[Int(before)].chain != id { before = entries[Int(before)].chain }
        entries[Int(before)].chain = entry.chain
    }

    private mutating func growBuckets() {
        var live: [EntryID] = []
        live.reserveCapacity(count)
        for head in entryBuckets {
            var next = head
            while next != Self.none {
                live.append(next)
                next = entries[Int(next)].chain
            }
        }
        entryBuckets = ContiguousArray(repeating: Self.none, count: entryBuckets.count * 2)
        for id in live {
            let entry = entries[Int(id)]
            let bucket = bucket(entry.subscriber, entry.node, entry.share)
            entries[Int(id)].chain = entryBuckets[bucket]
            entryBuckets[bucket] = id
        }
    }
}

extension TopicFilter {
    /// The group a subscription to this filter belongs to: an exclusive one is a group of one.
    fileprivate var groupName: String? { isExclusive ? ShareGroups.exclusive : shareGroup }
}
