import Messaging

/// What one walk of the index found; kept and reused, so that a walk allocates nothing.
struct Matches: Sendable {
    /// One level of the topic at hand, as a place in its octets.
    struct Level: Sendable {
        let start: Int
        let count: Int
        let hash: UInt64

        func octets(of topic: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: topic[start..<start + count])
        }
    }

    private(set) var levels: ContiguousArray<Level> = []
    private(set) var entries: ContiguousArray<SubscriptionIndex.Entry> = []
    /// Groups of shared subscriptions found; one member each is still to be picked.
    private(set) var groups: ContiguousArray<ShareGroups.GroupID> = []
    /// Lists of subscribers found. With at most one, no subscriber can stand in `entries` twice.
    var lists = 0

    mutating func prepare(_ topic: UnsafeRawBufferPointer, _ tree: borrowing LevelTree) {
        levels.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
        groups.removeAll(keepingCapacity: true)
        lists = 0
        var start = 0
        for level in Levels(topic) {
            levels.append(Level(start: start, count: level.count, hash: tree.hash(level)))
            start += level.count + 1
        }
    }

    mutating func append(_ entry: SubscriptionIndex.Entry) { entries.append(entry) }

    mutating func append(_ group: ShareGroups.GroupID) { groups.append(group) }
}
