import Messaging

/// The normal topic ids of one session (MQTT-SN 1.2, 6.5): allotted from 1 upwards, never reused within the session, so
/// that a client with a stale table cannot mistake one topic for another.
struct TopicIDTable {
    private struct Row {
        let topic: TopicName
        var isKnownToClient: Bool
    }

    private static let greatest = 65_534
    /// Rows that are looked through: most sessions have a few, and a dictionary for each would be the larger part of what they cost.
    private static let fewRows = 16

    private var rows: [Row] = []
    /// Empty as long as there are few rows.
    private var ids: [TopicName: UInt16] = [:]

    func topic(of id: UInt16) -> TopicName? { row(id)?.topic }
    func isKnownToClient(_ id: UInt16) -> Bool { row(id)?.isKnownToClient ?? false }

    func id(of topic: TopicName) -> UInt16? {
        guard rows.count <= Self.fewRows else { return ids[topic] }
        return rows.firstIndex { $0.topic == topic }.map { UInt16($0 + 1) }
    }

    var all: [(id: UInt16, topic: TopicName, known: Bool)] {
        rows.enumerated().map { (UInt16($0.offset + 1), $0.element.topic, $0.element.isKnownToClient) }
    }

    /// - Returns: the topic's id, and whether it is new; nil when `limit` ids are in use.
    mutating func register(_ topic: TopicName, limit: Int) -> (id: UInt16, isNew: Bool)? {
        if let id = id(of: topic) { return (id, false) }
        guard rows.count < min(limit, Self.greatest) else { return nil }
        return (append(Row(topic: topic, isKnownToClient: false)), true)
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
            guard Int(id) == rows.count + 1, self.id(of: topic) == nil else { return }
            append(Row(topic: topic, isKnownToClient: known))
        }
    }

    @discardableResult
    private mutating func append(_ row: Row) -> UInt16 {
        rows.append(row)
        let id = UInt16(rows.count)
        if rows.count == Self.fewRows + 1 {
            for (index, row) in rows.enumerated() { ids[row.topic] = UInt16(index + 1) }
        } else if rows.count > Self.fewRows {
            ids[row.topic] = id
        }
        return id
    }

    private func row(_ id: UInt16) -> Row? {
        let index = Int(id) - 1
        return rows.indices.contains(index) ? rows[index] : nil
    }
}
