import Messaging

/// How a client named the topic of a subscription, kept as the subscription's identifier so that it lives as long as the
/// subscription and comes back with each match: messages are named to the client the way it named their topic.
///
/// ```
///  0         by name or filter: normal topic id
///  1 nn nn   by predefined id nnnn
///  2 nn nn   by the short name nnnn
/// ```
enum SubscriptionForm {
    static let byName: UInt32 = 0

    static func identifier(of topicID: TopicID) -> UInt32 {
        switch topicID.type {
        case .predefined: 0x1_0000 | UInt32(topicID.value)
        case .short: 0x2_0000 | UInt32(topicID.value)
        case .normal, .reserved: byName
        }
    }

    /// The id a delivery is to be sent under; nil when it matched names and filters only.
    static func topicID(of identifiers: SubscriptionIDs) -> TopicID? {
        switch identifiers {
        case .none: nil
        case .one(let identifier): topicID(of: identifier)
        case .many(let list): list.lazy.compactMap { topicID(of: $0) }.first
        }
    }

    private static func topicID(of identifier: UInt32) -> TopicID? {
        let value = UInt16(truncatingIfNeeded: identifier)
        return switch identifier >> 16 {
        case 1: .predefined(value)
        case 2: .short(value)
        default: nil
        }
    }
}

extension TopicName {
    /// The topic whose name the two octets of a short topic id are (MQTT-SN 6.7).
    init(shortTopicID value: UInt16) throws(TopicError) {
        try self.init(utf8: [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)])
    }
}
