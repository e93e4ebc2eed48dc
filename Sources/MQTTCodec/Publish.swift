package import NIOCore

/// A message on its way (MQTT 5.0, 3.3). Topic and payload are slices of the bytes received: nothing is copied.
package struct Publish: Equatable, Sendable {
    /// Sent before, perhaps (MQTT-3.3.1-1).
    package var isDuplicate: Bool
    package var isRetained: Bool
    package var qos: QoS
    /// Present exactly at QoS 1 and 2 (MQTT-2.2.1-2).
    package var packetIdentifier: PacketIdentifier?
    /// Checked UTF-8 of a topic name without wildcards. Empty only from 5.0 on and along with a topic alias.
    package var topic: ByteBuffer
    package var properties: Properties
    package var payload: ByteBuffer

    package init(
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
package struct Acknowledgement: Equatable, Sendable {
    package var packetIdentifier: PacketIdentifier
    package var reasonCode: ReasonCode
    package var properties: Properties

    package init(
        _ packetIdentifier: PacketIdentifier, reasonCode: ReasonCode = .success, properties: Properties = []
    ) {
        self.packetIdentifier = packetIdentifier
        self.reasonCode = reasonCode
        self.properties = properties
    }
}
