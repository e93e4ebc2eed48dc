import Messaging

/// Reads everything a file holds, at the start.
struct StateReader {
    let database: Database
    /// Deliveries of one session that are read in full.
    var fullDeliveries = Int.max

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
        /// The latest delivery of each of these sessions.
        var lastSequences: [UInt64?] = []
    }

    func read() throws(DatabaseError) -> Result {
        var working = Working()
        try readSessions(&working)
        try readSubscriptions(&working)
        try readReceiving(&working)
        try readTopicIDs(&working)
        try readQueues(&working)
        try readRetained(&working)
        try readDelayed(&working)
        try readItems(&working)
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
                kind: PrincipalCoding.decode(rows.integer(4), rows.text(5)), clientID: rows.text(6).map { ClientID($0) }
            )
            let record = SessionRecord(
                number: SessionNumber(UInt64(bitPattern: rows.integer(0))), clientID: ClientID(clientID),
                expiry: rows.storedDuration(2), expiresAt: rows.storedDuration(3), will: will(rows),
                willDueAt: rows.storedDuration(15),
                silentAt: rows.storedDuration(16),
                principal: principal, queuesQoS0WhileDetached: rows.bool(7))
            working.positions[rows.integer(0)] = working.result.state.sessions.count
            working.result.state.sessions.append(StoredSession(record: record))
            working.lastSequences.append(nil)
        }
    }

    private func will(_ rows: Statement) -> Will? {
        guard let topic = rows.storedTopic(8), let payload = rows.octets(9), let qos = rows.storedQoS(10) else {
            return nil
        }
        return Will(
            topic: topic, payload: payload, qos: qos, retain: rows.bool(11), delay: rows.storedDuration(12) ?? .zero,
            messageExpiry: rows.storedDuration(13), properties: rows.storedProperties(14))
    }

    private func readSubscriptions(_ working: inout Working) throws(DatabaseError) {
        let rows = try database.prepare("SELECT * FROM subscription NOT INDEXED ORDER BY id")
        while try rows.step() {
            guard let position = working.positions[rows.integer(1)], let text = rows.text(2),
                let filter = try? TopicFilter(text), let qos = rows.storedQoS(3),
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
            guard let position = working.positions[rows.integer(0)], let packetID = UInt16(exactly: rows.integer(1))
            else {
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
                let topic = rows.storedTopic(2)
            else {
                working.result.skipped += 1
                continue
            }
            working.result.state.sessions[position].topicIDs.append((id, topic, rows.bool(3)))
        }
    }

    /// Deliveries lie in the file in the order they were enqueued, which is the order of each mailbox. What is not told in full is not
    /// read in full: its payload stays untouched.
    private func readQueues(_ working: inout Working) throws(DatabaseError) {
        let rows = try database.prepare(
            """
            SELECT q.id, q.session, q.sequence, q.message, q.packet_id, m.receivers, m.topic, length(m.payload), q.qos
            FROM queue q LEFT JOIN message m ON m.id = q.message ORDER BY q.id
            """)
        let delivery = try DeliveryStatement(database)
        var shared = SharedMessages()
        while try rows.step() {
            let row = QueueIndex.Row(
                sequence: UInt64(bitPattern: rows.integer(2)), id: rows.integer(0), message: rows.integer(3))
            guard let position = working.positions[rows.integer(1)], !rows.isNull(7), rows.storedQoS(8) != nil,
                working.lastSequences[position].map({ $0 < row.sequence }) ?? true,
                try read(row, rows, delivery, &shared, into: &working.result.state.sessions[position])
            else {
                working.result.skipped += 1
                continue
            }
            working.lastSequences[position] = row.sequence
            working.result.index.append(row, to: working.result.state.sessions[position].record.number)
            if rows.integer(5) > 1 { shared.references[row.message, default: 0] += 1 }
        }
        for (message, count) in shared.references { working.result.index.setReferences(count, to: message) }
        working.result.index.reclaim()
    }

    /// Messages of several receivers, as long as they are read.
    private struct SharedMessages {
        var messages: [Int64: Message] = [:]
        var references: [Int64: Int] = [:]
    }

    /// - Returns: false when the row makes no sense.
    private func read(
        _ row: QueueIndex.Row, _ rows: Statement, _ delivery: DeliveryStatement, _ shared: inout SharedMessages,
        into session: inout StoredSession
    ) throws(DatabaseError) -> Bool {
        // What is on the way needs all it has, to be sent again as it was (MQTT-4.4.0-1).
        guard rows.integer(4) != 0 || session.rest.isEmpty && session.queue.count < fullDeliveries else {
            let octets = Int(rows.integer(7))
            session.rest.append(
                rows.withOctets(6) { topic in
                    PagedDelivery(sequence: row.sequence, octets: topic.count + octets, topic: TopicDigest(topic))
                })
            return true
        }
        guard let record = try delivery.delivery(row.id, message: shared.messages[row.message]) else { return false }
        if rows.integer(5) > 1 { shared.messages[row.message] = record.message }
        session.queue.append(record)
        return true
    }

    private func readRetained(_ working: inout Working) throws(DatabaseError) {
        let rows = try database.prepare(
            "SELECT topic, payload, qos, 1, expires_at, publisher, properties FROM retained NOT INDEXED ORDER BY id")
        while try rows.step() {
            guard let message = rows.storedMessage(0) else {
                working.result.skipped += 1
                continue
            }
            working.result.state.retained.append((message, rows.storedDuration(4)))
        }
    }

    private func readDelayed(_ working: inout Working) throws(DatabaseError) {
        let rows = try database.prepare("SELECT * FROM delayed ORDER BY id")
        while try rows.step() {
            guard let message = rows.storedMessage(1), let dueAt = rows.storedDuration(8) else {
                working.result.skipped += 1
                continue
            }
            let principal = Principal(
                kind: PrincipalCoding.decode(rows.integer(9), rows.text(10)),
                clientID: rows.text(11).map { ClientID($0) })
            working.result.state.delayed.append(
                DelayedRecord(
                    id: UInt64(bitPattern: rows.integer(0)), message: message, expiresAt: rows.storedDuration(5),
                    dueAt: dueAt,
                    principal: principal))
        }
    }

    private func readItems(_ working: inout Working) throws(DatabaseError) {
        let rows = try database.prepare("SELECT area, key, value FROM item NOT INDEXED ORDER BY id")
        while try rows.step() {
            guard let area = rows.text(0), let key = rows.text(1), let value = rows.octets(2) else { continue }
            working.result.state.items.append((area, KeptItem(key: key, value: value)))
        }
    }

    private func readTotals(_ working: inout Working) throws(DatabaseError) {
        let rows = try database.prepare("SELECT key, value FROM meta NOT INDEXED")
        while try rows.step() {
            guard let key = rows.text(0) else { continue }
            LedgerCoding.decode(key, UInt64(bitPattern: rows.integer(1)), into: &working.result.state.totals)
        }
    }
}
