import Messaging

/// What one walk of the index found; kept and reused, so that a walk allocates nothing.
struct Matches: Sendable {
    /// A node with share groups, and which of them get the message.
    struct Sharing: Sendable {
        let node: LevelNode.ID
        /// Those whose filters end there, as the topic does.
        let hasEnded: Bool
        /// Those with `#` behind it.
        let wildcards: Bool
    }

    private(set) var entries: ContiguousArray<SubscriptionIndex.Recipient> = []
    private(set) var sharing: ContiguousArray<Sharing> = []
    /// Groups of shared subscriptions found; one member each is still to be picked.
    private(set) var groups: ContiguousArray<ShareGroups.GroupID> = []
    /// Lists of subscribers found. With at most one, no subscriber can stand in `entries` twice.
    var lists = 0

    mutating func clear() {
        entries.empty()
        sharing.empty()
        groups.empty()
        lists = 0
    }

    mutating func append(_ recipient: SubscriptionIndex.Recipient) { entries.append(recipient) }

    mutating func append(_ place: Sharing) { sharing.append(place) }

    mutating func append(_ group: ShareGroups.GroupID) {
        groups.append(group)
        lists += 1
    }
}

extension ContiguousArray {
    /// As `removeAll(keepingCapacity: true)`, for what has no element or one nearly always: with that it takes a hundred instructions.
    @inline(__always)
    mutating func empty() {
        switch count {
        case 0: return
        case 1: removeLast()
        default: removeAll(keepingCapacity: true)
        }
    }
}
