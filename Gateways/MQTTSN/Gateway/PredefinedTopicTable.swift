import Messaging

/// Topic ids known beforehand: those of all clients, and those of the clients a pattern names, which go first. One id may
/// thus mean one topic to most clients and another to some.
struct PredefinedTopicTable: Sendable {
    let common: PredefinedTopics
    let byClient: ClientTable<PredefinedTopics>

    func topic(of id: UInt16, for clientID: ClientID) -> TopicName? {
        guard !byClient.isEmpty else { return common.topic(of: id) }
        return byClient.all(for: clientID.string).lazy.compactMap { $0.topic(of: id) }.first ?? common.topic(of: id)
    }
}
