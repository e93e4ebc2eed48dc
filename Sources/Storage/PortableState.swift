import Foundation
import Messaging

/// A stored state as JSON lines. Times are seconds since 1970, durations seconds, octets base64.
///
///     {"kind":"session","number":1,"client":"c1","expiry":3600,…}
///     {"kind":"subscription","session":1,"filter":"a/+","qos":1,…}
///     {"kind":"queued","session":1,"sequence":5,"topic":"a/b","payload":"aGk=","qos":1,…}
///     {"kind":"delayed","number":7,"dueAt":1800000000,"topic":"a/b","payload":"aGk=","messageQoS":1}
///     {"kind":"item","area":"lwm2m.registration","key":"ep1","value":"e30="}
///     {"kind":"retained","topic":"a/b","payload":"aGk=","qos":1}
struct PortableState {
    private let state: StoredState

    init(_ state: StoredState) { self.state = state }

    func lines(_ body: (String) -> Void) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        func write(_ line: PortableLine) {
            // Nothing in a line can fail to be encoded: text, whole numbers, octets.
            guard let data = try? encoder.encode(line) else { return }
            body(String(decoding: data, as: UTF8.self))
        }
        for session in state.sessions {
            let number = session.record.number.value
            write(PortableLine(session.record))
            for subscription in session.subscriptions { write(PortableLine(subscription, session: number)) }
            for packetID in session.receiving {
                write(PortableLine(kind: .receiving, session: number, packetID: packetID))
            }
            for (id, topic, known) in session.topicIDs {
                write(PortableLine(kind: .topicID, session: number, topic: topic.string, topicID: id, known: known))
            }
            for record in session.queue { write(PortableLine(record, session: number)) }
        }
        for record in state.delayed { write(PortableLine(record)) }
        for (area, item) in state.items {
            var line = PortableLine(kind: .item)
            line.area = area
            line.key = item.key
            line.value = Data(item.value)
            write(line)
        }
        for (message, expiresAt) in state.retained {
            var line = PortableLine(kind: .retained)
            line.take(message, expiresAt: expiresAt)
            write(line)
        }
    }
}

/// Turns lines back into changes.
struct PortableImporter {
    private let decoder = JSONDecoder()

    /// - Returns: nil when the line makes no sense.
    func changes(of line: String) -> [StoreChange]? {
        guard let line = try? decoder.decode(PortableLine.self, from: Data(line.utf8)) else { return nil }
        return line.changes
    }
}

/// One line; which fields it has follows from its kind.
struct PortableLine: Codable {
    enum Kind: String, Codable {
        case session, subscription, receiving, queued, delayed, item, retained
        case topicID = "topic_id"
    }

    struct Will: Codable {
        var topic: String
        var payload: Data
        var qos: UInt8
        var retain: Bool
        var delay: Double
        var expiry: Double?
        var properties: Properties?
    }

    struct Properties: Codable {
        var utf8: Bool?
        var contentType: String?
        var responseTopic: String?
        var correlationData: Data?
        /// Name, value, name, value …
        var user: [String]?
    }

    var kind: Kind
    var session: UInt64?
    var number: UInt64?
    var client: String?
    var expiry: Double?
    var expiresAt: Double?
    var user: String?
    var principalClient: String?
    var isGateway: Bool?
    var queuesQoS0: Bool?
    var will: Will?
    var willDueAt: Double?
    var silentAt: Double?
    var dueAt: Double?
    var area: String?
    var key: String?
    var value: Data?
    var filter: String?
    var qos: UInt8?
    var noLocal: Bool?
    var retainAsPublished: Bool?
    var retainHandling: UInt8?
    var identifiers: [UInt32]?
    var packetID: UInt16?
    var topic: String?
    var topicID: UInt16?
    var known: Bool?
    var sequence: UInt64?
    var waitsUntil: Double?
    var payload: Data?
    var messageQoS: UInt8?
    var retain: Bool?
    var messageRetain: Bool?
    var publisher: String?
    var properties: Properties?
    var released: Bool?

    init(
        kind: Kind, session: UInt64? = nil, packetID: UInt16? = nil, topic: String? = nil, topicID: UInt16? = nil,
        known: Bool? = nil
    ) {
        self.kind = kind
        self.session = session
        self.packetID = packetID
        self.topic = topic
        self.topicID = topicID
        self.known = known
    }
}

// MARK: - Writing

extension PortableLine {
    init(_ record: SessionRecord) {
        self.init(kind: .session)
        number = record.number.value
        client = record.clientID.string
        expiry = record.expiry?.seconds
        expiresAt = record.expiresAt?.seconds
        take(record.principal)
        queuesQoS0 = record.queuesQoS0WhileDetached ? true : nil
        willDueAt = record.willDueAt?.seconds
        silentAt = record.silentAt?.seconds
        will = record.will.map { will in
            Will(
                topic: will.topic.string, payload: Data(will.payload), qos: will.qos.rawValue, retain: will.retain,
                delay: will.delay.seconds, expiry: will.messageExpiry?.seconds,
                properties: will.properties.map { Properties($0) })
        }
    }

    init(_ subscription: Subscription, session: UInt64) {
        self.init(kind: .subscription, session: session)
        filter = subscription.filter.string
        qos = subscription.qos.rawValue
        noLocal = subscription.noLocal ? true : nil
        retainAsPublished = subscription.retainAsPublished ? true : nil
        retainHandling = subscription.retainHandling.rawValue
        identifiers = subscription.identifier == 0 ? nil : [subscription.identifier]
    }

    init(_ record: QueuedRecord, session: UInt64) {
        self.init(kind: .queued, session: session, packetID: record.packetID == 0 ? nil : record.packetID)
        sequence = record.sequence
        qos = record.qos.rawValue
        retain = record.retain ? true : nil
        released = record.released ? true : nil
        identifiers = record.subscriptionIDs == .none ? nil : record.subscriptionIDs.array
        waitsUntil = record.waitsUntil?.seconds
        take(record.message, expiresAt: record.expiresAt)
    }

    init(_ record: DelayedRecord) {
        self.init(kind: .delayed)
        number = record.id
        dueAt = record.dueAt.seconds
        take(record.principal)
        take(record.message, expiresAt: record.expiresAt)
    }

    mutating func take(_ principal: Principal) {
        if case .user(let name) = principal.kind { user = name }
        isGateway = principal.kind == .gateway ? true : nil
        principalClient = principal.clientID?.string
    }

    mutating func take(_ message: Message, expiresAt: Duration?) {
        topic = message.topic.string
        payload = message.withPayload { Data($0) }
        messageQoS = message.qos.rawValue
        messageRetain = message.retain ? true : nil
        publisher = message.publisher?.string
        properties = message.properties.map { Properties($0) }
        self.expiresAt = expiresAt?.seconds
    }
}

extension PortableLine.Properties {
    init(_ properties: MessageProperties) {
        utf8 = properties.payloadFormat.map { $0 == .utf8 }
        contentType = properties.contentType
        responseTopic = properties.responseTopic?.string
        correlationData = properties.correlationData.map { Data($0) }
        user = properties.userProperties.isEmpty ? nil : properties.userProperties.flatMap { [$0.name, $0.value] }
    }

    var messageProperties: MessageProperties {
        let user = user ?? []
        return MessageProperties(
            payloadFormat: utf8.map { $0 ? .utf8 : .unspecified }, contentType: contentType,
            responseTopic: responseTopic.flatMap { try? TopicName($0) },
            correlationData: correlationData.map { Array($0) },
            userProperties: stride(from: 0, to: user.count - user.count % 2, by: 2).map {
                UserProperty(name: user[$0], value: user[$0 + 1])
            })
    }
}

// MARK: - Reading

extension PortableLine {
    /// Nil when a field that belongs to the kind is missing or wrong.
    var changes: [StoreChange]? {
        switch kind {
        case .session: sessionRecord.map { [.putSession($0)] }
        case .subscription: subscriptionChange.map { [$0] }
        case .receiving:
            if let number = sessionNumber, let packetID { [.putReceiving(number, packetID: packetID)] } else { nil }
        case .topicID:
            if let number = sessionNumber, let topicID, let name = topicName {
                [.putTopicID(number, id: topicID, topic: name, known: known ?? false)]
            } else {
                nil
            }
        case .queued: queuedChanges
        case .delayed: delayedChange.map { [$0] }
        case .item:
            if let area, let key, let value { [.putItem(area: area, key: key, value: Array(value))] } else { nil }
        case .retained: message.map { [.putRetained($0, expiresAt: expiresAt.flatMap { Duration(seconds: $0) })] }
        }
    }

    private var sessionNumber: SessionNumber? { session.map { SessionNumber($0) } }
    private var topicName: TopicName? { topic.flatMap { try? TopicName($0) } }

    private var sessionRecord: SessionRecord? {
        guard let number, let client else { return nil }
        return SessionRecord(
            number: SessionNumber(number), clientID: ClientID(client), expiry: expiry.flatMap { Duration(seconds: $0) },
            expiresAt: expiresAt.flatMap { Duration(seconds: $0) }, will: messagingWill,
            willDueAt: willDueAt.flatMap { Duration(seconds: $0) },
            silentAt: silentAt.flatMap { Duration(seconds: $0) }, principal: principal,
            queuesQoS0WhileDetached: queuesQoS0 ?? false)
    }

    private var principal: Principal {
        let kind: Principal.Kind = isGateway == true ? .gateway : user.map { .user($0) } ?? .anonymous
        return Principal(kind: kind, clientID: principalClient.map { ClientID($0) })
    }

    private var delayedChange: StoreChange? {
        guard let number, let message, let dueAt = dueAt.flatMap({ Duration(seconds: $0) }) else { return nil }
        return .putDelayed(
            DelayedRecord(
                id: number, message: message, expiresAt: expiresAt.flatMap { Duration(seconds: $0) }, dueAt: dueAt,
                principal: principal))
    }

    private var messagingWill: Messaging.Will? {
        guard let will, let topic = try? TopicName(will.topic), let qos = QoS(rawValue: will.qos) else { return nil }
        return Messaging.Will(
            topic: topic, payload: Array(will.payload), qos: qos, retain: will.retain,
            delay: Duration(seconds: will.delay) ?? .zero, messageExpiry: will.expiry.flatMap { Duration(seconds: $0) },
            properties: will.properties?.messageProperties)
    }

    private var subscriptionChange: StoreChange? {
        guard let number = sessionNumber, let filter = filter.flatMap({ try? TopicFilter($0) }),
            let qos = qos.flatMap({ QoS(rawValue: $0) })
        else { return nil }
        return .putSubscription(
            number,
            Subscription(
                filter: filter, qos: qos, noLocal: noLocal ?? false, retainAsPublished: retainAsPublished ?? false,
                retainHandling: retainHandling.flatMap { .init(rawValue: $0) } ?? .send,
                identifier: identifiers?.first ?? 0))
    }

    private var queuedChanges: [StoreChange]? {
        guard let number = sessionNumber, let sequence, let message, let qos = qos.flatMap({ QoS(rawValue: $0) }) else {
            return nil
        }
        var subscriptionIDs = SubscriptionIDs.none
        for identifier in identifiers ?? [] { subscriptionIDs.insert(identifier) }
        return [
            .enqueue(
                number,
                QueuedRecord(
                    sequence: sequence, message: message, expiresAt: expiresAt.flatMap { Duration(seconds: $0) },
                    waitsUntil: waitsUntil.flatMap { Duration(seconds: $0) }, qos: qos, retain: retain ?? false,
                    subscriptionIDs: subscriptionIDs, packetID: packetID ?? 0,
                    released: released ?? false))
        ]
    }

    private var message: Message? {
        guard let topicName, let payload, let qos = messageQoS.flatMap({ QoS(rawValue: $0) }) else { return nil }
        return Message(
            topic: topicName, payload: Array(payload), qos: qos, retain: messageRetain ?? (kind == .retained),
            publishedAt: Timestamp(nanoseconds: 0), publisher: publisher.map { ClientID($0) },
            properties: properties?.messageProperties)
    }
}

extension Duration {
    fileprivate var seconds: Double { Double(wholeMicroseconds) / 1_000_000 }

    /// Nil for what is no time.
    fileprivate init?(seconds: Double) {
        guard seconds.isFinite, abs(seconds) < 9e12 else { return nil }
        self = .microseconds(Int64((seconds * 1_000_000).rounded()))
    }
}
