import Messaging

/// Columns of the tables as values. Nil for what makes no sense.
extension Statement {
    func storedDuration(_ column: Int32) -> Duration? { optionalInteger(column).map { .microseconds($0) } }

    func storedTopic(_ column: Int32) -> TopicName? { text(column).flatMap { try? TopicName($0) } }

    func storedQoS(_ column: Int32) -> QoS? {
        optionalInteger(column).flatMap { UInt8(exactly: $0) }.flatMap { QoS(rawValue: $0) }
    }

    func storedProperties(_ column: Int32) -> MessageProperties? {
        octets(column).flatMap { PropertyCoding.decode($0) }
    }

    func storedSubscriptionIDs(_ column: Int32) -> SubscriptionIDs {
        guard !isNull(column) else { return .none }
        guard isBlob(column), let octets = octets(column) else {
            return UInt32(exactly: integer(column)).map { .one($0) } ?? .none
        }
        let identifiers = stride(from: 0, to: octets.count - octets.count % 4, by: 4).map { start in
            octets[start..<start + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        return .many(identifiers)
    }

    /// Topic, payload, QoS, retain, expiry, publisher and properties from `first` on. The expiry is told beside the message, as
    /// the message's own is a time of the process that made it.
    func storedMessage(_ first: Int32) -> Message? {
        guard let topic = storedTopic(first), let payload = octets(first + 1), let qos = storedQoS(first + 2) else {
            return nil
        }
        return Message(
            topic: topic, payload: payload, qos: qos, retain: bool(first + 3), publishedAt: Timestamp(nanoseconds: 0),
            publisher: text(first + 5).map { ClientID($0) }, properties: storedProperties(first + 6))
    }
}

/// A row of `queue` with its message, as read at the start and for pages.
enum DeliveryRow {
    static let columns = """
        q.id, q.session, q.sequence, q.message, q.qos, q.retain, q.subscription_ids, q.packet_id, q.released, m.receivers,
        m.topic, m.payload, m.qos, m.retain, m.expires_at, m.publisher, m.properties, q.expires_at, length(m.payload)
        """

    static func id(_ row: Statement) -> Int64 { row.integer(0) }
    static func session(_ row: Statement) -> Int64 { row.integer(1) }
    static func sequence(_ row: Statement) -> UInt64 { UInt64(bitPattern: row.integer(2)) }
    static func messageID(_ row: Statement) -> Int64 { row.integer(3) }
    static func isSent(_ row: Statement) -> Bool { row.integer(7) != 0 }
    static func receivers(_ row: Statement) -> Int64 { row.integer(9) }
    static func message(_ row: Statement) -> Message? { row.storedMessage(10) }

    static func record(_ row: Statement, _ message: Message) -> QueuedRecord? {
        guard let qos = row.storedQoS(4) else { return nil }
        return QueuedRecord(
            sequence: sequence(row), message: message, expiresAt: row.storedDuration(14),
            waitsUntil: row.storedDuration(17),
            qos: qos, retain: row.bool(5), subscriptionIDs: row.storedSubscriptionIDs(6),
            packetID: UInt16(truncatingIfNeeded: row.integer(7)), released: row.bool(8))
    }

    /// What has to be known of a delivery that stays in the file; its payload is not read.
    static func paged(_ row: Statement) -> PagedDelivery? {
        guard row.storedQoS(4) != nil, !row.isNull(11) else { return nil }
        return row.withOctets(10) { topic in
            PagedDelivery(
                sequence: sequence(row), octets: topic.count + Int(row.integer(18)), topic: TopicDigest(topic))
        }
    }
}
