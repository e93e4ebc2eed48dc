import Glibc

/// One published application message: immutable, and shared by every mailbox it lies in.
///
/// One piece of memory, as there is one for every message on its way:
///
///     ┌──────────────┬─────────────────────────────┬───────────────────┬─────────────────────┐
///     │ object, 16 B │ Fields, 64 B: topic, expiry │ octets of topic … │ octets of payload … │
///     └──────────────┴─────────────────────────────┴───────────────────┴─────────────────────┘
///
/// The topic stands there once more as octets because it is written for each receiver: to look into the string would count
/// references to it, from several threads at the same time.
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
        storage = Storage.make(
            Fields(
                topic: topic, publisher: publisher, properties: properties, expiresAt: expiresAt,
                publishedAt: publishedAt,
                payloadCount: UInt32(payload.count), topicCount: UInt16(topic.string.utf8.count), qos: qos,
                retain: retain),
            payload: payload)
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
    /// The name it was published under, aliases resolved and rewrite rules applied.
    @inlinable public var topic: TopicName { _read { yield storage.header.topic } }
    /// QoS it was published with; a receiver gets at most this.
    @inlinable public var qos: QoS { storage.header.qos }
    /// The publisher asked for it to be kept as the topic's last value (MQTT 5.0, 3.3.1.3).
    @inlinable public var retain: Bool { storage.header.retain }
    /// When it loses its meaning (MQTT 5.0, 3.3.2.3.3); `.never` when the publisher set no expiry.
    @inlinable public var expiresAt: Timestamp { storage.header.expiresAt }
    /// When the gateway accepted it.
    @inlinable public var publishedAt: Timestamp { storage.header.publishedAt }
    /// Session that published it, for the no-local option; nil for the gateway itself and for publishers without session.
    @inlinable public var publisher: ClientID? { _read { yield storage.header.publisher } }
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
        try storage.withUnsafeMutablePointers { (fields, octets) throws(Failure) in
            try body(
                UnsafeRawBufferPointer(
                    start: octets + Int(fields.pointee.topicCount), count: Int(fields.pointee.payloadCount)))
        }
    }

    /// Lends the octets of topic and payload to `body`, for each receiver anew: no reference is counted.
    @inlinable
    public func withOctets<Result>(
        _ body: (_ topic: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) -> Result
    ) -> Result {
        storage.withUnsafeMutablePointers { fields, octets in
            let topicCount = Int(fields.pointee.topicCount)
            return body(
                UnsafeRawBufferPointer(start: octets, count: topicCount),
                UnsafeRawBufferPointer(start: octets + topicCount, count: Int(fields.pointee.payloadCount)))
        }
    }

    /// Whether it says more than topic and payload: properties or an expiry.
    @inlinable public var saysMore: Bool { storage.header.properties != nil || storage.header.expiresAt != .never }

    /// Where topic and publisher lie in memory. Messages of which that is the same go the same way, to whomever it leads; a client's
    /// messages to one topic mostly do. Compared without a look at the octets and without counting references.
    @inlinable
    public var way: Way {
        Way(
            topic: unsafeBitCast(storage.header.topic.string, to: UInt128.self),
            publisher: unsafeBitCast(storage.header.publisher?.string, to: UInt128.self))
    }

    public struct Way: BitwiseCopyable, Equatable, Sendable {
        @usableFromInline let topic: UInt128
        @usableFromInline let publisher: UInt128

        @usableFromInline
        init(topic: UInt128, publisher: UInt128) {
            self.topic = topic
            self.publisher = publisher
        }
    }

    /// Both are one message, not just alike.
    public func isSame(as other: Message) -> Bool { storage === other.storage }
}

// MARK: - How it lies in memory

extension Message {
    @usableFromInline
    struct Fields: Sendable {
        @usableFromInline let topic: TopicName
        @usableFromInline let publisher: ClientID?
        @usableFromInline let properties: MessageProperties?
        @usableFromInline let expiresAt: Timestamp
        @usableFromInline let publishedAt: Timestamp
        /// Octets of the payload.
        @usableFromInline let payloadCount: UInt32
        /// Octets of the topic.
        @usableFromInline let topicCount: UInt16
        @usableFromInline let qos: QoS
        @usableFromInline let retain: Bool
    }

    /// Fields, and behind them topic and payload.
    @usableFromInline
    final class Storage: ManagedBuffer<Fields, UInt8> {
        static func make(_ fields: consuming Fields, payload: UnsafeRawBufferPointer) -> Storage {
            let (topicCount, payloadCount) = (Int(fields.topicCount), payload.count)
            var fields = Optional(consume fields)  // moved in, so that no reference is counted
            let buffer = create(minimumCapacity: topicCount + payloadCount) { _ in fields.take().unsafelyUnwrapped }
            buffer.withUnsafeMutablePointers { fields, octets in
                fields.pointee.topic.string.utf8.span.bytes.withUnsafeBytes { topic in
                    if let topic = topic.baseAddress { memcpy(octets, topic, topicCount) }
                }
                if let payload = payload.baseAddress { memcpy(octets + topicCount, payload, payloadCount) }
            }
            return unsafeDowncast(buffer, to: Storage.self)
        }
    }
}
