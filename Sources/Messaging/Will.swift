/// The message published in a client's name when it is lost (MQTT 5.0, 3.1.2.5; MQTT-SN 1.2, 6.3).
package struct Will: Sendable {
    package let topic: TopicName
    package let payload: [UInt8]
    package let qos: QoS
    package let retain: Bool
    /// Time between the loss and the publication (MQTT 5.0, 3.1.3.2.2); cut short by the end of the session.
    package let delay: Duration
    /// Lifetime of the message from its publication on; nil for no expiry.
    package let messageExpiry: Duration?
    package let properties: MessageProperties?

    package init(
        topic: TopicName, payload: [UInt8], qos: QoS, retain: Bool, delay: Duration = .zero,
        messageExpiry: Duration? = nil, properties: MessageProperties? = nil
    ) {
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
        self.delay = delay
        self.messageExpiry = messageExpiry
        self.properties = properties
    }
}
