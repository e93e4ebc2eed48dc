import Glibc

/// One published application message: immutable, and shared by every mailbox it lies in.
///
/// One piece of memory, as there is one for every message on its way:
///
///     ┌──────────────┬───────────────────────────────┬─────────┬─────────────┬───────────┐
///     │ object, 16 B │ Fields, 40 B: expiry, QoS, …  │ topic … │ publisher … │ payload … │
///     └──────────────┴───────────────────────────────┴─────────┴─────────────┴───────────┘
///
/// Names lie in it as octets: a reference to a string would be counted when the message is made and when it goes, by the threads of
/// publisher and receiver. Who wants a name as a value (`topic`, `publisher`) gets one made.
///
/// Proof of `@unchecked Sendable`: its only member is a buffer, which `ManagedBuffer` leaves open whether threads may share. `Storage.make`
/// writes it before anybody else has it, and afterwards it is only read: all fields are constants of `Sendable` types, and the pointers to
/// the octets are lent as read-only.
public struct Message: @unchecked Sendable {
    @usableFromInline let storage: Storage

    /// - Parameters:
    ///   - payload: copied; at most 4 GB, of which adapters allow far less (`BrokerLimits.payloadOctets`).
    ///   - publishedAt: when the gateway accepted it.
    ///   - expiresAt: when it loses its meaning.
    ///   - publisher: session that published it.
    public init(
        topic: TopicName, payload: UnsafeRawBufferPointer, qos: QoS, retain: Bool = false, publishedAt: Timestamp,
        expiresAt: Timestamp = .never, publisher: ClientID? = nil, properties: MessageProperties? = nil
    ) {
        self = topic.string.utf8.span.bytes.withUnsafeBytes { topic in
            publisher.withOctets { publisher in
                Message(
                    checkedTopic: topic, publisher: publisher, payload: payload, qos: qos, retain: retain,
                    publishedAt: publishedAt, expiresAt: expiresAt, properties: properties)
            }
        }
    }

    /// The same with names that lie somewhere as octets: to look into a `ClientID` for each message would count a reference.
    /// - Parameters:
    ///   - topic: as `TopicName` would take it.
    ///   - publisher: a client identifier in UTF-8; nil for none.
    public init(
        checkedTopic topic: UnsafeRawBufferPointer, publisher: UnsafeRawBufferPointer?, payload: UnsafeRawBufferPointer,
        qos: QoS, retain: Bool, publishedAt: Timestamp, expiresAt: Timestamp, properties: MessageProperties?
    ) {
        let fields = Fields(
            properties: properties, expiresAt: expiresAt, publishedAt: publishedAt,
            payloadCount: UInt32(payload.count), publisherCount: Fields.noPublisher,
            topicCount: UInt16(topic.count), qos: qos, retain: retain)
        storage = Storage.make(fields, topic, publisher: publisher, payload)
    }

    /// - Parameter storage: of another value that is the same message.
    init(storage: Storage) { self.storage = storage }

    /// Another message that says the same.
    public func duplicate() -> Message {
        withOctets { topic, payload in
            Message(
                checkedTopic: topic, publisher: publisherInPlace, payload: payload, qos: qos, retain: retain,
                publishedAt: publishedAt, expiresAt: expiresAt, properties: properties)
        }
    }

    /// The same for a payload that lies in an array.
    public init(
        topic: TopicName, payload: [UInt8], qos: QoS, retain: Bool = false, publishedAt: Timestamp,
        expiresAt: Timestamp = .never, publisher: ClientID? = nil, properties: MessageProperties? = nil
    ) {
        self = payload.withUnsafeBytes { payload in
            Message(
                topic: topic, payload: payload, qos: qos, retain: retain, publishedAt: publishedAt,
                expiresAt: expiresAt, publisher: publisher, properties: properties)
        }
    }
}

// MARK: - What it says

extension Message {
    /// The name it was published under, aliases resolved and rewrite rules applied. Made each time: where that is often, `octetsInPlace`
    /// says the same.
    public var topic: TopicName {
        withExtendedLifetime(storage) { TopicName(known: octetsInPlace.topic) }
    }

    /// As `TopicName.isReserved`, of the octets.
    @inlinable public var isReserved: Bool { withOctets { topic, _ in topic.first == UInt8(ascii: "$") } }
    /// QoS it was published with; a receiver gets at most this.
    @inlinable public var qos: QoS { storage.header.qos }
    /// The publisher asked for it to be kept as the topic's last value (MQTT 5.0, 3.3.1.3).
    @inlinable public var retain: Bool { storage.header.retain }
    /// When it loses its meaning (MQTT 5.0, 3.3.2.3.3); `.never` when the publisher set no expiry.
    @inlinable public var expiresAt: Timestamp { storage.header.expiresAt }
    /// When the gateway accepted it.
    @inlinable public var publishedAt: Timestamp { storage.header.publishedAt }
    /// Session that published it, for the no-local option; nil for the gateway itself and for publishers without session. Made each time.
    public var publisher: ClientID? {
        withExtendedLifetime(storage) {
            publisherInPlace.map { ClientID(String(decoding: $0, as: UTF8.self)) }
        }
    }

    /// Its octets; nil for none. Valid as long as somebody holds the message.
    private var publisherInPlace: UnsafeRawBufferPointer? {
        storage.header.publisherCount == Fields.noPublisher ? nil : octetsInPlace.publisher
    }

    /// What MQTT 5.0 lets a publisher add; nil for the many messages that carry none.
    @inlinable public var properties: MessageProperties? { _read { yield storage.header.properties } }
    /// Octets of the payload.
    @inlinable public var payloadCount: Int { Int(storage.header.payloadCount) }
    /// Octets this message holds, as limits and counters count them: topic and payload.
    @inlinable public var octets: Int { Int(storage.header.topicCount) + payloadCount }

    /// A copy of the payload. Who only looks at it uses `withPayload`.
    public var payload: [UInt8] { withPayload { Array($0) } }

    /// Lends the payload to `body`.
    @inlinable
    public func withPayload<Result, Failure>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withExtendedLifetime(storage) { (_) throws(Failure) in try body(octetsInPlace.payload) }
    }

    /// Topic, publisher and payload where they lie. Looked at for each receiver, and no reference is counted for it.
    @inlinable
    public var octetsInPlace: OctetsInPlace {
        // Somebody holds the storage: who asked.
        Unmanaged.passUnretained(storage)._withUnsafeGuaranteedRef { storage in
            storage.withUnsafeMutablePointers { fields, octets in
                OctetsInPlace(
                    octets, topic: Int(fields.pointee.topicCount), publisher: fields.pointee.publisherOctets,
                    payload: Int(fields.pointee.payloadCount))
            }
        }
    }

    /// Lends the octets of topic and payload to `body`.
    @inlinable
    public func withOctets<Result>(
        _ body: (_ topic: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) -> Result
    ) -> Result {
        withExtendedLifetime(storage) { body(octetsInPlace.topic, octetsInPlace.payload) }
    }

    /// Valid as long as somebody holds the message.
    public struct OctetsInPlace: BitwiseCopyable {
        public let topic: UnsafeRawBufferPointer
        /// In UTF-8; empty for none.
        public let publisher: UnsafeRawBufferPointer
        public let payload: UnsafeRawBufferPointer

        @inlinable
        init(_ start: UnsafeMutablePointer<UInt8>, topic: Int, publisher: Int, payload: Int) {
            self.topic = UnsafeRawBufferPointer(start: start, count: topic)
            self.publisher = UnsafeRawBufferPointer(start: start + topic, count: publisher)
            self.payload = UnsafeRawBufferPointer(start: start + topic + publisher, count: payload)
        }
    }

    /// Whether it says more than topic and payload: properties or an expiry.
    @inlinable public var saysMore: Bool { storage.header.properties != nil || storage.header.expiresAt != .never }

    /// Topic and publisher. Messages of which that is the same go the same way, to whomever it leads.
    @inlinable
    public var way: Way {
        Unmanaged.passUnretained(storage)._withUnsafeGuaranteedRef { storage in
            storage.withUnsafeMutablePointers { fields, octets in
                Way(
                    names: UnsafeRawPointer(octets), topicCount: fields.pointee.topicCount,
                    publisherCount: fields.pointee.publisherCount)
            }
        }
    }

    /// Valid as long as somebody holds the message.
    public struct Way: BitwiseCopyable, Equatable {
        /// Topic and publisher, which lie side by side.
        @usableFromInline let names: UnsafeRawPointer
        @usableFromInline let topicCount: UInt16
        @usableFromInline let publisherCount: UInt32

        @inlinable
        init(names: UnsafeRawPointer, topicCount: UInt16, publisherCount: UInt32) {
            self.names = names
            self.topicCount = topicCount
            self.publisherCount = publisherCount
        }

        public static func == (left: Way, right: Way) -> Bool {
            guard left.topicCount == right.topicCount, left.publisherCount == right.publisherCount else { return false }
            let publisherCount = left.publisherCount == Fields.noPublisher ? 0 : Int(left.publisherCount)
            return memcmp(left.names, right.names, Int(left.topicCount) + publisherCount) == 0
        }
    }

    /// Whether it was published under `topic`, without making a name of its own.
    public func isNamed(_ topic: TopicName) -> Bool {
        withOctets { name, _ in topic.string.hasOctets(name) }
    }

    /// Whether `client` published it.
    public func isPublished(by client: ClientID) -> Bool {
        withExtendedLifetime(self) { publisherInPlace.map { client.string.hasOctets($0) } ?? false }
    }

    /// Both are one message, not just alike.
    public func isSame(as other: Message) -> Bool { storage === other.storage }
}

// MARK: - How it lies in memory

extension Message {
    @usableFromInline
    struct Fields: Sendable {
        /// What `publisherCount` is where there is no publisher.
        static let noPublisher = UInt32.max

        @usableFromInline let properties: MessageProperties?
        @usableFromInline let expiresAt: Timestamp
        @usableFromInline let publishedAt: Timestamp
        /// Octets of the payload.
        @usableFromInline let payloadCount: UInt32
        /// Octets of the publisher's name.
        @usableFromInline var publisherCount: UInt32
        /// Octets of the topic.
        @usableFromInline let topicCount: UInt16
        @usableFromInline let qos: QoS
        @usableFromInline let retain: Bool

        @usableFromInline var publisherOctets: Int {
            publisherCount == Self.noPublisher ? 0 : Int(publisherCount)
        }
    }

    /// Fields, and behind them topic, publisher and payload.
    @usableFromInline
    final class Storage: ManagedBuffer<Fields, UInt8> {
        /// - Parameter publisher: nil for none.
        static func make(
            _ fields: consuming Fields, _ topic: UnsafeRawBufferPointer, publisher: UnsafeRawBufferPointer?,
            _ payload: UnsafeRawBufferPointer
        ) -> Storage {
            if let publisher { fields.publisherCount = UInt32(publisher.count) }
            let (topicCount, publisherCount) = (topic.count, publisher?.count ?? 0)
            var fields = Optional(consume fields)  // moved in, so that no reference is counted
            let buffer = create(minimumCapacity: topicCount + publisherCount + payload.count) { _ in
                fields.take().unsafelyUnwrapped
            }
            buffer.withUnsafeMutablePointerToElements { octets in
                if let topic = topic.baseAddress { memcpy(octets, topic, topicCount) }
                if let publisher = publisher?.baseAddress { memcpy(octets + topicCount, publisher, publisherCount) }
                if let start = payload.baseAddress {
                    memcpy(octets + topicCount + publisherCount, start, payload.count)
                }
            }
            return unsafeDowncast(buffer, to: Storage.self)
        }
    }
}
