import Synchronization

/// The groups of shared subscriptions (MQTT 5.0, 4.8.2). What is on the way to a member at QoS 2 stays with it (MQTT-4.8.2-4,
/// MQTT-4.8.2-5). Kept are: per tree node a list of groups, per group its members. Few nodes have any.
struct ShareGroups {
    typealias GroupID = Int32
    static let none: GroupID = -1
    /// Name of the groups of one that exclusive subscriptions are: no `$share` group has it, as it is no text of a client.
    static let exclusive = "\0"

    private struct Group {
        var name: String
        /// Its filter ends with `#`.
        let isBelow: Bool
        var members: ContiguousArray<SubscriptionIndex.EntryID>
        /// Whose turn it is. An object, as turns are taken under the index's read lock.
        let turn: Turn
        /// Next group of the same node; for a free group the next free one.
        var next: Int32
    }

    private final class Turn: Sendable {
        let value = Atomic<UInt32>(0)
    }

    private var groups: ContiguousArray<Group> = []
    private var freeGroup = none
    /// The first group of each node that has one.
    private var lists: [LevelNode.ID: GroupID] = [:]

    func name(of group: Int32) -> String { groups[Int(group)].name }
    func next(after group: Int32) -> Int32 { groups[Int(group)].next }

    func isBelow(_ group: Int32) -> Bool { groups[Int(group)].isBelow }

    /// The first group of a node, or `none`.
    func first(at node: LevelNode.ID) -> GroupID { lists[node] ?? Self.none }

    /// The group of a node of that name and kind, or `none`.
    func find(_ name: String, isBelow: Bool, at node: LevelNode.ID) -> GroupID {
        var group = first(at: node)
        while group != Self.none, !isNamed(group, name, isBelow) { group = groups[Int(group)].next }
        return group
    }

    private func isNamed(_ group: Int32, _ name: String, _ isBelow: Bool) -> Bool {
        groups[Int(group)].isBelow == isBelow && groups[Int(group)].name.utf8.elementsEqual(name.utf8)
    }

    /// The group of a node of that name and kind, made when missing.
    mutating func insert(_ name: String, isBelow: Bool, at node: LevelNode.ID) -> GroupID {
        let existing = find(name, isBelow: isBelow, at: node)
        guard existing == Self.none else { return existing }
        let group = Group(name: name, isBelow: isBelow, members: [], turn: Turn(), next: first(at: node))
        let id: GroupID
        if freeGroup == Self.none {
            id = GroupID(groups.count)
            groups.append(group)
        } else {
            id = freeGroup
            freeGroup = groups[Int(id)].next
            groups[Int(id)] = group
        }
        lists[node] = id
        return id
    }

    mutating func append(_ entry: SubscriptionIndex.EntryID, to group: Int32) {
        groups[Int(group)].members.append(entry)
    }

    /// Removes a member, and with the last one the group from its node.
    /// - Returns: whether the node has groups left.
    mutating func remove(
        _ entry: SubscriptionIndex.EntryID, from group: GroupID, at node: LevelNode.ID
    ) -> Bool {
        groups[Int(group)].members.removeAll { $0 == entry }
        guard groups[Int(group)].members.isEmpty else { return true }
        let next = groups[Int(group)].next
        if lists[node] == group {
            lists[node] = next == Self.none ? nil : next
        } else {
            var before = first(at: node)
            while groups[Int(before)].next != group { before = groups[Int(before)].next }
            groups[Int(before)].next = next
        }
        groups[Int(group)].next = freeGroup
        groups[Int(group)].name = ""
        freeGroup = group
        return lists[node] != nil
    }

    func members(of group: GroupID) -> ContiguousArray<SubscriptionIndex.EntryID> { groups[Int(group)].members }

    /// The member all messages go to, with the sticky strategy; it may have left since.
    func favourite(of group: GroupID) -> SubscriptionIndex.EntryID? {
        let value = groups[Int(group)].turn.value.load(ordering: .relaxed)
        return value == 0 ? nil : SubscriptionIndex.EntryID(value - 1)
    }

    /// Takes the place of the turn, which the sticky strategy has no use for.
    func setFavourite(_ entry: SubscriptionIndex.EntryID, of group: GroupID) {
        groups[Int(group)].turn.value.store(UInt32(entry) + 1, ordering: .relaxed)
    }

    /// Grows by one with each message of the group.
    func nextTurn(of group: GroupID) -> Int {
        Int(groups[Int(group)].turn.value.wrappingAdd(1, ordering: .relaxed).oldValue)
    }
}
