/// One published application message: immutable, and shared by every mailbox it lies in.
package final class Message: Sendable {
    package let topic: TopicName
    package let payload: [UInt8]
    /// QoS it was published with; a receiver gets at most this.
    package let qos: QoS
    /// The publisher asked for it to be kept as the topic's last value (MQTT 5.0, 3.3.1.3).
    package let retain: Bool
    /// When it loses its meaning (MQTT 5.0, 3.3.2.3.3); `.never` when the publisher set no expiry.
    package let expiresAt: Timestamp
    /// When the gateway accepted it.
    package let publishedAt: Timestamp
    /// Session that published it, for the no-local option; nil for the gateway itself and for publishers without session.
    package let publisher: ClientID?
    /// What MQTT 5.0 lets a publisher add; nil for the many messages that carry none.
    package let properties: MessageProperties?

    package init(
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
    }

    /// Octets this message holds, as limits and counters count them: topic and payload.
    package var octets: Int { topic.string.utf8.count + payload.count }
}
