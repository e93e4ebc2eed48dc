import Messaging

/// All subscriptions, and the answer to "who gets a message of this topic" (MQTT 5.0, 4.7, 4.8).
///
/// A subscription is an entry in a flat array, linked into the list of the tree node its filter ends at and into the list of
/// its subscriber. `+` is an ordinary node of the tree, remembered in its parent's branch so that a walk finds it without hashing.
/// `#` is none: what ends with it hangs on the node before, in a list of its own, as it matches that level and all below
/// (MQTT 5.0, 4.7.1.2).
///
/// Memory: 32 octets an entry and 2 to 4 in its hash table, 24 a node, 11 to 16 in its hash table unless it is a `+` or an only child, and
/// its name with 2 for the length if it is longer than three octets. A walk visits each level once for its exact child and once for each `+` on the way.
struct SubscriptionIndex: ~Copyable {
    typealias SubscriberID = Int32
    typealias EntryID = Int32
    static let none: Int32 = -1

    /// One subscription of one subscriber.
    struct Entry {
        var subscriber: SubscriberID
        var node: LevelNode.ID
        /// Neighbours in the list of the node. A member of a share group is in no such list: in place of the next it has its group.
        var next = SubscriptionIndex.none
        var previous = SubscriptionIndex.none
        var nextOfSubscriber = SubscriptionIndex.none
        var previousOfSubscriber = SubscriptionIndex.none
        /// Next in the bucket of `entryBuckets`; for a free entry the next free one.
        var chain = SubscriptionIndex.none
        var options: Options

        /// The share group it belongs to, or `none`.
        var share: ShareGroups.GroupID { options.isShared ? next : ShareGroups.none }
        /// Where its filter ends.
        var place: Place { Place(node: node, isBelow: options.isBelow) }
    }

    /// What routing has to know of an entry that matches.
    struct Recipient: Sendable {
        let subscriber: SubscriberID
        /// 0 for none.
        let identifier: UInt32
        /// The share group that picked it, or `none`.
        let share: ShareGroups.GroupID
        let options: Options
    }

    /// Where a filter ends: at a node, or with `#` behind it.
    struct Place: Equatable {
        let node: LevelNode.ID
        let isBelow: Bool
    }

    /// QoS and flags in one octet.
    struct Options: Equatable {
        private var bits: UInt8

        init(_ subscription: Subscription, isPartial: Bool, isShared: Bool, isBelow: Bool) {
            bits =
                subscription.qos.rawValue | (subscription.noLocal ? 4 : 0) | (subscription.retainAsPublished ? 8 : 0)
                | (isShared ? 32 : 0) | (isBelow ? 64 : 0) | (subscription.identifier != 0 ? 128 : 0)
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
        /// The subscriber is a member of a share group.
        var isShared: Bool { bits & 32 != 0 }
        /// The filter ends with `#`.
        var isBelow: Bool { bits & 64 != 0 }
        /// It has an identifier.
        var isIdentified: Bool { bits & 128 != 0 }
        /// Whether a message may be left out: no-local or partial, one question for the walk.
        var isConditional: Bool { bits & 20 != 0 }
    }

    /// The list of one subscriber's entries.
    struct Holdings {
        var first = SubscriptionIndex.none
        /// Asked for with every subscription, so counted along.
        var count: Int32 = 0
    }

    /// What hangs on a tree node.
    struct Branch {
        /// The child `+`; the bit that a number does not need says whether there are share groups.
        private var plusAndShares = UInt32(bitPattern: LevelNode.none)
        /// Subscriptions whose filters end here, and those that have `#` behind it.
        var exact = SubscriptionIndex.none
        var below = SubscriptionIndex.none

        private static let noShares: UInt32 = 1 << 31

        var plus: LevelNode.ID {
            // The bit below the flag is the sign of the number.
            get { Int32(bitPattern: plusAndShares << 1) >> 1 }
            set { plusAndShares = plusAndShares & Self.noShares | UInt32(bitPattern: newValue) & ~Self.noShares }
        }

        /// Share groups of both kinds are found in `ShareGroups`.
        var hasShares: Bool {
            get { plusAndShares & Self.noShares == 0 }
            set { plusAndShares = newValue ? plusAndShares & ~Self.noShares : plusAndShares | Self.noShares }
        }

        var isEmpty: Bool {
            plus == LevelNode.none && exact == SubscriptionIndex.none && below == SubscriptionIndex.none && !hasShares
        }

        subscript(isBelow isBelow: Bool) -> EntryID {
            get { isBelow ? below : exact }
            set { if isBelow { below = newValue } else { exact = newValue } }
        }
    }

    typealias Tree = LevelTree<Branch>

    var tree = Tree(load: Branch())
    var entries = FlatArray<Entry>()
    /// The identifiers of subscriptions, by entry; as long as the last entry that has one.
    private(set) var identifiers = FlatArray<UInt32>()
    var freeEntry = none
    /// Finds an entry by subscriber, place and share group: heads of chains.
    var entryBuckets = FlatArray(repeating: none, count: 64)
    /// What each subscriber holds.
    var subscribers: ContiguousArray<Holdings> = []
    var shares = ShareGroups()

    /// Another whenever a subscription has come or gone: then a topic may match other lists of receivers than before.
    var version: UInt64 = 1
    /// Subscriptions in all, shared ones included.
    var count = 0
    var sharedCount = 0

    /// Of memory, that of subscribers and share groups left out.
    var octets: Int { tree.octets + entries.octets + entryBuckets.octets + identifiers.octets }

    // MARK: Changing

    /// Adds a subscription, or replaces the options of an equal one (MQTT-3.8.4-3).
    /// - Returns: whether it is new.
    mutating func insert(_ subscription: Subscription, for subscriber: SubscriberID, isPartial: Bool = false) -> Bool {
        let place = makePlace(subscription.filter)
        let share = subscription.filter.groupName.map { insertGroup($0, at: place) }
        let options = Options(subscription, isPartial: isPartial, isShared: share != nil, isBelow: place.isBelow)
        let existing = find(subscriber, place, share ?? Self.none)
        guard existing == Self.none else {
            entries[Int(existing)].options = options
            setIdentifier(subscription.identifier, of: existing)
            return false
        }
        let entry = store(
            Entry(subscriber: subscriber, node: place.node, next: share ?? Self.none, options: options))
        setIdentifier(subscription.identifier, of: entry)
        linkToSubscriber(entry)
        version += 1
        if let share {
            shares.append(entry, to: share)
            if subscription.filter.isShared { sharedCount += 1 }
        } else {
            linkToNode(entry)
        }
        count += 1
        return true
    }

    private mutating func insertGroup(_ name: String, at place: Place) -> ShareGroups.GroupID {
        tree[place.node].hasShares = true
        return shares.insert(name, isBelow: place.isBelow, at: place.node)
    }

    private mutating func setIdentifier(_ identifier: UInt32, of entry: EntryID) {
        guard identifier != 0 else { return }
        while identifiers.count <= Int(entry) { identifiers.append(0) }
        identifiers[Int(entry)] = identifier
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
        guard let place = place(of: filter) else { return nil }
        var share = Self.none
        if let group = filter.groupName {
            share = shares.find(group, isBelow: place.isBelow, at: place.node)
            guard share != Self.none else { return nil }
        }
        let entry = find(subscriber, place, share)
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
        forEachEntry(of: subscriber) { _, entry in
            filters.append(text(of: entry))
        }
        return filters
    }

    subscript(id: EntryID) -> Entry { entries[Int(id)] }

    /// 0 for none.
    private func identifier(of id: EntryID) -> UInt32 {
        entries[Int(id)].options.isIdentified ? identifiers[Int(id)] : 0
    }

    func recipient(_ id: EntryID) -> Recipient {
        let entry = entries[Int(id)]
        return Recipient(
            subscriber: entry.subscriber, identifier: identifier(of: id), share: entry.share, options: entry.options)
    }

    /// The entry of that number while it is a member of `group`.
    func entry(_ id: EntryID, in group: ShareGroups.GroupID) -> Entry? {
        guard Int(id) < entries.count, entries[Int(id)].share == group else { return nil }
        return entries[Int(id)]
    }

    /// The share groups a subscriber belongs to that have other members.
    func groupsWithOthers(than subscriber: SubscriberID) -> Set<ShareGroups.GroupID> {
        var groups: Set<ShareGroups.GroupID> = []
        forEachEntry(of: subscriber) { _, entry in
            if entry.share != Self.none, shares.members(of: entry.share).count > 1 { groups.insert(entry.share) }
        }
        return groups
    }

    /// Whether somebody else holds an exclusive subscription to the same pattern.
    func isTaken(_ filter: TopicFilter, for subscriber: SubscriberID) -> Bool {
        guard filter.isExclusive, let place = place(of: filter) else { return false }
        let group = shares.find(ShareGroups.exclusive, isBelow: place.isBelow, at: place.node)
        guard group != Self.none else { return false }
        return shares.members(of: group).contains { entries[Int($0)].subscriber != subscriber }
    }

    /// What a subscriber asked for, as far as it is kept: when retained messages are sent only matters while subscribing.
    func subscriptions(of subscriber: SubscriberID) -> [Subscription] {
        var subscriptions: [Subscription] = []
        forEachEntry(of: subscriber) { id, entry in
            guard let filter = try? TopicFilter(text(of: entry)) else { return }
            subscriptions.append(
                Subscription(
                    filter: filter, qos: entry.options.qos, noLocal: entry.options.noLocal,
                    retainAsPublished: entry.options.retainAsPublished, identifier: identifier(of: id)))
        }
        return subscriptions
    }

    /// The filter as its subscriber wrote it.
    private func text(of entry: Entry) -> String {
        let pattern = pattern(of: entry.place)
        guard entry.share != Self.none else { return pattern }
        let group = shares.name(of: entry.share)
        return group == ShareGroups.exclusive ? "$exclusive/\(pattern)" : "$share/\(group)/\(pattern)"
    }

    private func forEachEntry(of subscriber: SubscriberID, _ body: (EntryID, Entry) -> Void) {
        guard Int(subscriber) < subscribers.count else { return }
        var next = subscribers[Int(subscriber)].first
        while next != Self.none {
            body(next, entries[Int(next)])
            next = entries[Int(next)].nextOfSubscriber
        }
    }
}

extension TopicFilter {
    /// The group a subscription to this filter belongs to: an exclusive one is a group of one.
    fileprivate var groupName: String? { isExclusive ? ShareGroups.exclusive : shareGroup }
}
