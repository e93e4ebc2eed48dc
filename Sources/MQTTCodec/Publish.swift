public import NIOCore

/// A message on its way (MQTT 5.0, 3.3).
public struct Publish: Equatable, Sendable {
    /// Sent before, perhaps (MQTT-3.3.1-1).
    public var isDuplicate: Bool
    public var isRetained: Bool
    public var qos: QoS
    /// Present exactly at QoS 1 and 2 (MQTT-2.2.1-2).
    public var packetIdentifier: PacketIdentifier?
    /// Checked UTF-8 of a topic name without wildcards. Empty only from 5.0 on and along with a topic alias.
    public var topic: ByteBuffer
    public var properties: Properties
    public var payload: ByteBuffer

    public init(
        topic: ByteBuffer, payload: ByteBuffer, qos: QoS = .atMostOnce, packetIdentifier: PacketIdentifier? = nil,
        isRetained: Bool = false, isDuplicate: Bool = false, properties: Properties = []
    ) {
        precondition(
            (qos == .atMostOnce) == (packetIdentifier == nil), "QoS 1 and 2 need a packet identifier, QoS 0 has none")
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.packetIdentifier = packetIdentifier
        self.isRetained = isRetained
        self.isDuplicate = isDuplicate
        self.properties = properties
    }
}

/// PUBACK, PUBREC, PUBREL and PUBCOMP, which look alike (MQTT 5.0, 3.4 to 3.7). Before 5.0 only the identifier is sent.
public struct Acknowledgement: Equatable, Sendable {
    public var packetIdentifier: PacketIdentifier
    public var reasonCode: ReasonCode
    public var properties: Properties

    public init(
        _ packetIdentifier: PacketIdentifier, reasonCode: ReasonCode = .success, properties: Properties = []
    ) {
        self.packetIdentifier = packetIdentifier
        self.reasonCode = reasonCode
        self.properties = properties
    }
}
