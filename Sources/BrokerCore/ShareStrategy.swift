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
    ) -> Recipient {
        let count = shares.members(of: group).count
        switch strategy {
        case .roundRobin: return member(of: group, from: shares.nextTurn(of: group), isListening)
        case .random: return member(of: group, from: Int.random(in: 0..<count), isListening)
        case .sticky: return favourite(of: group, isListening)
        case .hashClientID:
            let hash = ShareStrategy.hash(message.publisher?.string ?? "")
            return member(of: group, from: Int(hash % UInt64(count)), isListening)
        case .hashTopic:
            let hash = ShareStrategy.hash(message.topic.string)
            return member(of: group, from: Int(hash % UInt64(count)), isListening)
        }
    }

    private func favourite(of group: ShareGroups.GroupID, _ isListening: (SubscriberID) -> Bool) -> Recipient {
        if let id = shares.favourite(of: group), let entry = self.entry(id, in: group), isListening(entry.subscriber) {
            return recipient(id)
        }
        let id = memberID(of: group, from: 0, isListening)
        shares.setFavourite(id, of: group)
        return recipient(id)
    }

    private func member(
        of group: ShareGroups.GroupID, from start: Int, _ isListening: (SubscriberID) -> Bool
    ) -> Recipient {
        recipient(memberID(of: group, from: start, isListening))
    }

    /// The first member at or after a place that listens.
    private func memberID(
        of group: ShareGroups.GroupID, from start: Int, _ isListening: (SubscriberID) -> Bool
    ) -> EntryID {
        let members = shares.members(of: group)
        for step in members.indices {
            let id = members[(start + step) % members.count]
            if isListening(self[id].subscriber) { return id }
        }
        return members[start % members.count]
    }
}
