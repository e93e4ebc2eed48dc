import Messaging

/// What one walk of the index found; kept and reused, so that a walk allocates nothing.
struct Matches: WalkVisitor, Sendable {
    /// A node with share groups, and which of them get the message.
    struct Sharing: Sendable {
        let node: LevelNode.ID
        /// Those whose filters end there, as the topic does.
        let hasEnded: Bool
        /// Those with `#` behind it.
        let wildcards: Bool
    }

    /// Lists of subscribers found, by their first entries.
    private(set) var lists: ContiguousArray<SubscriptionIndex.EntryID> = []
    private(set) var entries: ContiguousArray<SubscriptionIndex.Recipient> = []
    private(set) var sharing: ContiguousArray<Sharing> = []
    /// Groups of shared subscriptions found; one member each is still to be picked.
    private(set) var groups: ContiguousArray<ShareGroups.GroupID> = []

    mutating func clear() {
        lists.empty()
        entries.empty()
        sharing.empty()
        groups.empty()
    }

    /// Whether a subscriber may stand in `entries` twice.
    var mayRepeat: Bool { lists.count + groups.count > 1 }

    mutating func meet(_ list: SubscriptionIndex.EntryID) { lists.append(list) }

    mutating func meet(_ place: Sharing) { sharing.append(place) }

    mutating func append(_ recipient: SubscriptionIndex.Recipient) { entries.append(recipient) }

    mutating func append(_ group: ShareGroups.GroupID) { groups.append(group) }
}
