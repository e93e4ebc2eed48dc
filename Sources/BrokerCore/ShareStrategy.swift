import Messaging

/// How a shared subscription picks the member that gets a message (MQTT 5.0, 4.8.2 leaves it to the server). Members that
/// are away or asleep are passed over while others are there.
package enum ShareStrategy: String, Sendable, CaseIterable {
    /// One after the other.
    case roundRobin = "round_robin"
    case random
    /// Always the same one, until it is away.
    case sticky
    /// One publisher's messages to the same member; those without client id share one.
    case hashClientID = "hash_clientid"
    /// One topic's messages to the same member.
    case hashTopic = "hash_topic"

    /// FNV-1a: the same in every process, so that a restart does not deal anew.
    static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }
}

extension SubscriptionIndex {
    /// The member of a share group that gets `message`: the strategy's choice among those that `isListening`; among all when
    /// none is.
    func pick(
        from group: ShareGroups.GroupID, by strategy: ShareStrategy, for message: Message,
        isListening: (SubscriberID) -> Bool
    ) -> Entry {
        let count = shares.members(of: group).count
        switch strategy {
        case .roundRobin: return member(of: group, from: shares.nextTurn(of: group), isListening).entry
        case .random: return member(of: group, from: Int.random(in: 0..<count), isListening).entry
        case .sticky: return favourite(of: group, isListening)
        case .hashClientID:
            let hash = ShareStrategy.hash(message.publisher?.string ?? "")
            return member(of: group, from: Int(hash % UInt64(count)), isListening).entry
        case .hashTopic:
            let hash = ShareStrategy.hash(message.topic.string)
            return member(of: group, from: Int(hash % UInt64(count)), isListening).entry
        }
    }

    private func favourite(of group: ShareGroups.GroupID, _ isListening: (SubscriberID) -> Bool) -> Entry {
        if let id = shares.favourite(of: group), let entry = self.entry(id, in: group), isListening(entry.subscriber) {
            return entry
        }
        let (id, entry) = member(of: group, from: 0, isListening)
        shares.setFavourite(id, of: group)
        return entry
    }

    /// The first member at or after a place that listens.
    private func member(
        of group: ShareGroups.GroupID, from start: Int, _ isListening: (SubscriberID) -> Bool
    ) -> (id: EntryID, entry: Entry) {
        let members = shares.members(of: group)
        for step in members.indices {
            let id = members[(start + step) % members.count]
            if isListening(self[id].subscriber) { return (id, self[id]) }
        }
        let id = members[start % members.count]
        return (id, self[id])
    }
}
