import Messaging

/// The normal topic ids of one session (MQTT-SN 1.2, 6.5): allotted from 1 upwards, never reused within the session, so
/// that a client with a stale table cannot mistake one topic for another.
struct TopicIDTable {
    private struct Row {
        let topic: TopicName
        var isKnownToClient: Bool
    }

    /// Rows after the first.
    private struct Others {
        /// Rows that are looked through; a dictionary for each session would be the larger part of what it costs.
        static let few = 16

        var rows: [Row] = []
        /// Places of topics in `rows`; empty as long as these are few.
        var places: [TopicName: Int] = [:]

        func place(of topic: TopicName) -> Int? {
            rows.count <= Self.few ? rows.firstIndex { $0.topic == topic } : places[topic]
        }

        mutating func append(_ row: Row) {
            rows.append(row)
            guard rows.count > Self.few else { return }
            // All of them once, then one by one.
            for place in (places.isEmpty ? 0 : rows.count - 1)..<rows.count { places[rows[place].topic] = place }
        }
    }

    private static let greatest = 65_534

    private var others = Rarely<Others>()
    /// Many a sleeper has one subscription, and needs no memory of its own for its topic id.
    private var first: Row?

    private var count: Int { first == nil ? 0 : 1 + (others.value?.rows.count ?? 0) }

    func topic(of id: UInt16) -> TopicName? { row(id)?.topic }
    func isKnownToClient(_ id: UInt16) -> Bool { row(id)?.isKnownToClient ?? false }

    func id(of topic: TopicName) -> UInt16? {
        guard let first, first.topic != topic else { return first.map { _ in 1 } }
        return others.value?.place(of: topic).map { UInt16($0 + 2) }
    }

    var all: [(id: UInt16, topic: TopicName, known: Bool)] {
        (first.map { [$0] + (others.value?.rows ?? []) } ?? []).enumerated().map {
            (UInt16($0.offset + 1), $0.element.topic, $0.element.isKnownToClient)
        }
    }

    /// - Returns: the topic's id, and whether it is new; nil when `limit` ids are in use.
    mutating func register(_ topic: TopicName, limit: Int) -> (id: UInt16, isNew: Bool)? {
        if let id = id(of: topic) { return (id, false) }
        guard count < min(limit, Self.greatest) else { return nil }
        append(Row(topic: topic, isKnownToClient: false))
        return (UInt16(count), true)
    }

    /// - Returns: whether anything changed.
    mutating func setKnownToClient(_ id: UInt16, _ known: Bool) -> Bool {
        guard let row = row(id), row.isKnownToClient != known else { return false }
        if id == 1 {
            first?.isKnownToClient = known
        } else {
            others.change(from: Others()) { $0.rows[Int(id) - 2].isKnownToClient = known }
        }
        return true
    }

    /// Puts back what the store kept. Ids are dense from 1; a gap, as a damaged store may have, ends the list.
    mutating func restore(_ stored: [(id: UInt16, topic: TopicName, known: Bool)]) {
        for (id, topic, known) in stored.sorted(by: { $0.id < $1.id }) {
            guard Int(id) == count + 1, self.id(of: topic) == nil else { return }
            append(Row(topic: topic, isKnownToClient: known))
        }
    }

    private mutating func append(_ row: Row) {
        guard first != nil else { return first = row }
        others.change(from: Others()) { $0.append(row) }
    }

    private func row(_ id: UInt16) -> Row? {
        guard id > 1 else { return id == 1 ? first : nil }
        guard let rows = others.value?.rows, rows.indices.contains(Int(id) - 2) else { return nil }
        return rows[Int(id) - 2]
    }
}
