import Messaging

/// Reads everything a file holds, at the start.
struct StateReader {
    let database: Database

    struct Result {
        var state = StoredState()
        var index = QueueIndex()
        var lastDelivery: Int64 = 0
        var lastMessage: Int64 = 0
        /// Rows that made no sense and were left out.
        var skipped = 0
    }

    private struct Working {
        var result = Result()
        /// Position in `result.state.sessions`.
        var positions: [Int64: Int] = [:]
    }

    func read() throws(DatabaseError) -> Result {
        var working = Working()
        try readSessions(&working)
        try readSubscriptions(&working)
        try readReceiving(&working)
        try readTopicIDs(&working)
        try readQueues(&working)
        try readRetained(&working)
        try readTotals(&working)
        working.result.lastDelivery = try database.integer("SELECT max(id) FROM queue") ?? 0
        working.result.lastMessage = try database.integer("SELECT max(id) FROM message") ?? 0
        return working.result
    }

    private func readSessions(_ working: inout Working) throws(DatabaseError) {
        let rows = try database.prepare("SELECT * FROM session ORDER BY number")
        while try rows.step() {
            guard let clientID = rows.text(1) else {
                working.result.skipped += 1
                continue
            }
            let principal = Principal(
                kind: PrincipalCoding.decode(rows.integer(4), rows.text(5)), clientID: rows.text(6).map { ClientID($0) })
            let record = SessionRecord(
                number: SessionNumber(UInt64(bitPattern: rows.integer(0))), clientID: ClientID(clientID),
                expiry: duration(rows, 2), expiresAt: duration(rows, 3), will: will(rows), willDueAt: duration(rows, 15),
                principal: principal, queuesQoS0WhileDetached: rows.bool(7))
            working.positions[rows.integer(0)] = working.result.state.sessions.count
            working.result.state.sessions.append(StoredSession(record: record))
        }
    }

    private func will(_ rows: Statement) -> Will? {
        guard let topic = topic(rows, 8), let payload = rows.octets(9), let qos = qos(rows, 10) else { return nil }
        return Will(
            topic: topic, payload: payload, qos: qos, retain: rows.bool(11), delay: duration(rows, 12) ?? .zero,
            messageExpiry: duration(rows, 13), properties: properties(rows, 14))
    }

    private func readSubscriptions(_ working: inout Working) throws(DatabaseError) {
        let rows = try database.prepare("SELECT * FROM subscription NOT INDEXED ORDER BY id")
        while try rows.step() {
            guard let position = working.positions[rows.integer(1)], let text = rows.text(2),
                let filter = try? TopicFilter(text), let qos = qos(rows, 3),
                let handling = Subscription.RetainHandling(rawValue: UInt8(truncatingIfNeeded: rows.integer(6)))
            else {
                working.result.skipped += 1
                continue
            }
            working.result.state.sessions[position].subscriptions.append(
                Subscription(
                    filter: filter, qos: qos, noLocal: rows.bool(4), retainAsPublished: rows.bool(5),
                    retainHandling: handling, identifier: UInt32(truncatingIfNeeded: rows.integer(7))))
        }
    }

    private func readReceiving(_ working: inout Working) throws(DatabaseError) {
        let rows = try database.prepare("SELECT session, packet_id FROM receiving NOT INDEXED ORDER BY id")
        while try rows.step() {
            guard let position = working.positions[rows.integer(0)], let packetID = UInt16(exactly: rows.integer(1)) else {
                working.result.skipped += 1
                continue
            }
            working.result.state.sessions[position].receiving.append(packetID)
        }
    }

    private func readTopicIDs(_ working: inout Working) throws(DatabaseError) {
        let rows = try database.prepare("SELECT session, topic_id, topic, known FROM topic_id NOT INDEXED ORDER BY id")
        while try rows.step() {
            guard let position = working.positions[rows.integer(0)], let id = UInt16(exactly: rows.integer(1)),
                let topic = topic(rows, 2)
            else {
                working.result.skipped += 1
                continue
            }
            working.result.state.sessions[position].topicIDs.append((id, topic, rows.bool(3)))
        }
    }

    /// Deliveries lie in the file in the order they were enqueued, which is the order of each mailbox.
    private func readQueues(_ working: inout Working) throws(DatabaseError) {
        let rows = try database.prepare(
            """
            SELECT q.id, q.session, q.sequence, q.message, q.qos, q.retain, q.subscription_ids, q.packet_id, q.released,
                m.receivers, m.topic, m.payload, m.qos, m.retain, m.expires_at, m.publisher, m.properties
            FROM queue q LEFT JOIN message m ON m.id = q.message ORDER BY q.id
            """)
        var shared: [Int64: (message: Message, references: Int)] = [:]
        while try rows.step() {
            let messageID = rows.integer(3)
            let known = shared[messageID]?.message
            guard let position = working.positions[rows.integer(1)], let qos = qos(rows, 4),
                let message = known ?? message(rows, 10)
            else {
                working.result.skipped += 1
                continue
            }
            if rows.integer(9) > 1 { shared[messageID, default: (message, 0)].references += 1 }
            let record = QueuedRecord(
                sequence: UInt64(bitPattern: rows.integer(2)), message: message, expiresAt: duration(rows, 14), qos: qos,
                retain: rows.bool(5), subscriptionIDs: subscriptionIDs(rows, 6),
                packetID: UInt16(truncatingIfNeeded: rows.integer(7)), released: rows.bool(8))
            guard working.result.state.sessions[position].queue.last.map({ $0.sequence < record.sequence }) ?? true else {
                working.result.skipped += 1
                continue
            }
            working.result.state.sessions[position].queue.append(record)
            working.result.index.append(
                QueueIndex.Row(sequence: record.sequence, id: rows.integer(0), message: messageID),
                to: working.result.state.sessions[position].record.number)
        }
        for (message, entry) in shared { working.result.index.setReferences(entry.references, to: message) }
    }

    private func readRetained(_ working: inout Working) throws(DatabaseError) {
        let rows = try database.prepare(
            "SELECT topic, payload, qos, 1, expires_at, publisher, properties FROM retained NOT INDEXED ORDER BY id")
        while try rows.step() {
            guard let message = message(rows, 0) else {
                working.result.skipped += 1
                continue
            }
            working.result.state.retained.append((message, duration(rows, 4)))
        }
    }

    private func readTotals(_ working: inout Working) throws(DatabaseError) {
        let rows = try database.prepare("SELECT key, value FROM meta NOT INDEXED")
        while try rows.step() {
            guard let key = rows.text(0) else { continue }
            LedgerCoding.decode(key, UInt64(bitPattern: rows.integer(1)), into: &working.result.state.totals)
        }
    }

    // MARK: Columns

    /// Topic, payload, QoS, retain, expiry, publisher and properties from `first` on. The expiry is told beside the message, as
    /// the message's own is a time of the process that made it.
    private func message(_ rows: Statement, _ first: Int32) -> Message? {
        guard let topic = topic(rows, first), let payload = rows.octets(first + 1), let qos = qos(rows, first + 2) else {
            return nil
        }
        return Message(
            topic: topic, payload: payload, qos: qos, retain: rows.bool(first + 3), publishedAt: Timestamp(nanoseconds: 0),
            publisher: rows.text(first + 5).map { ClientID($0) }, properties: properties(rows, first + 6))
    }

    private func topic(_ rows: Statement, _ column: Int32) -> TopicName? {
        rows.text(column).flatMap { try? TopicName($0) }
    }

    private func qos(_ rows: Statement, _ column: Int32) -> QoS? {
        rows.optionalInteger(column).flatMap { UInt8(exactly: $0) }.flatMap { QoS(rawValue: $0) }
    }

    private func duration(_ rows: Statement, _ column: Int32) -> Duration? {
        rows.optionalInteger(column).map { .microseconds($0) }
    }

    private func properties(_ rows: Statement, _ column: Int32) -> MessageProperties? {
        rows.octets(column).flatMap { PropertyCoding.decode($0) }
    }

    private func subscriptionIDs(_ rows: Statement, _ column: Int32) -> SubscriptionIDs {
        guard !rows.isNull(column) else { return .none }
        guard rows.isBlob(column), let octets = rows.octets(column) else {
            return UInt32(exactly: rows.integer(column)).map { .one($0) } ?? .none
        }
        let identifiers = stride(from: 0, to: octets.count - octets.count % 4, by: 4).map { start in
            octets[start..<start + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        return .many(identifiers)
    }
}
