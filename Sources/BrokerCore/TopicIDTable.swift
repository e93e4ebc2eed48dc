import Messaging

/// The normal topic ids of one session (MQTT-SN 1.2, 6.5): allotted from 1 upwards, never reused within the session, so
/// that a client with a stale table cannot mistake one topic for another.
struct TopicIDTable {
    private struct Row {
        let topic: TopicName
        var isKnownToClient: Bool
    }

    private static let greatest = 65_534

    private var rows: [Row] = []
    private var ids: [TopicName: UInt16] = [:]

    func topic(of id: UInt16) -> TopicName? { row(id)?.topic }
    func id(of topic: TopicName) -> UInt16? { ids[topic] }
    func isKnownToClient(_ id: UInt16) -> Bool { row(id)?.isKnownToClient ?? false }

    var all: [(id: UInt16, topic: TopicName, known: Bool)] {
        rows.enumerated().map { (UInt16($0.offset + 1), $0.element.topic, $0.element.isKnownToClient) }
    }

    /// - Returns: the topic's id, and whether it is new; nil when `limit` ids are in use.
    mutating func register(_ topic: TopicName, limit: Int) -> (id: UInt16, isNew: Bool)? {
        if let id = ids[topic] { return (id, false) }
        guard rows.count < min(limit, Self.greatest) else { return nil }
        rows.append(Row(topic: topic, isKnownToClient: false))
        let id = UInt16(rows.count)
        ids[topic] = id
        return (id, true)
    }

    /// - Returns: whether anything changed.
    mutating func setKnownToClient(_ id: UInt16, _ known: Bool) -> Bool {
        guard let row = row(id), row.isKnownToClient != known else { return false }
        rows[Int(id) - 1].isKnownToClient = known
        return true
    }

    /// Puts back what the store kept. Ids are dense from 1; a gap, as a damaged store may have, ends the list.
    mutating func restore(_ stored: [(id: UInt16, topic: TopicName, known: Bool)]) {
        for (id, topic, known) in stored.sorted(by: { $0.id < $1.id }) {
            guard Int(id) == rows.count + 1, ids[topic] == nil else { return }
            rows.append(Row(topic: topic, isKnownToClient: known))
            ids[topic] = id
        }
    }

    private func row(_ id: UInt16) -> Row? {
        let index = Int(id) - 1
        return rows.indices.contains(index) ? rows[index] : nil
    }
}
