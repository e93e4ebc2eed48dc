/// The message published in a client's name when it is lost (MQTT 5.0, 3.1.2.5; MQTT-SN 1.2, 6.3).
public struct Will: Sendable {
    public let topic: TopicName
    public let payload: [UInt8]
    public let qos: QoS
    public let retain: Bool
    /// Time between the loss and the publication (MQTT 5.0, 3.1.3.2.2); cut short by the end of the session.
    public let delay: Duration
    /// Lifetime of the message from its publication on; nil for no expiry.
    public let messageExpiry: Duration?
    public let properties: MessageProperties?

    public init(
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
