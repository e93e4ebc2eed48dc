/// One published application message: immutable, and shared by every mailbox it lies in.
public final class Message: Sendable {
    public let topic: TopicName
    public let payload: [UInt8]
    /// QoS it was published with; a receiver gets at most this.
    public let qos: QoS
    /// The publisher asked for it to be kept as the topic's last value (MQTT 5.0, 3.3.1.3).
    public let retain: Bool
    /// When it loses its meaning (MQTT 5.0, 3.3.2.3.3); `.never` when the publisher set no expiry.
    public let expiresAt: Timestamp
    /// When the gateway accepted it.
    public let publishedAt: Timestamp
    /// Session that published it, for the no-local option; nil for the gateway itself and for publishers without session.
    public let publisher: ClientID?
    /// What MQTT 5.0 lets a publisher add; nil for the many messages that carry none.
    public let properties: MessageProperties?
    /// Octets this message holds, as limits and counters count them: topic and payload.
    public let octets: Int

    public init(
        topic: TopicName, payload: [UInt8], qos: QoS, retain: Bool = false, publishedAt: Timestamp,
        expiresAt: Timestamp = .never, publisher: ClientID? = nil, properties: MessageProperties? = nil
    ) {
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
        self.publishedAt = publishedAt
        self.expiresAt = expiresAt
        self.publisher = publisher
        self.properties = properties
        octets = topic.string.utf8.count + payload.count
    }

    /// Lends the octets of topic and payload to `body`, for each receiver anew: no reference is counted.
    @inlinable
    public func withOctets<Result>(
        _ body: (_ topic: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) -> Result
    ) -> Result {
        payload.withUnsafeBytes { payload in
            let result = topic.string.utf8.withContiguousStorageIfAvailable { topic in
                body(UnsafeRawBufferPointer(topic), payload)
            }
            guard let result else { preconditionFailure("a topic name is contiguous") }
            return result
        }
    }
}
