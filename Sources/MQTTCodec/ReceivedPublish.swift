import NIOCore

/// A PUBLISH where it lies in the bytes received (MQTT 5.0, 3.3): what `Publish` is, with nothing copied. Valid as long as
/// those bytes are.
public struct ReceivedPublish {
    public let isDuplicate: Bool
    public let isRetained: Bool
    public let qos: QoS
    /// Present exactly at QoS 1 and 2 (MQTT-2.2.1-2).
    public let packetIdentifier: PacketIdentifier?
    /// Checked UTF-8 of a topic name without wildcards. Empty only from 5.0 on and along with a topic alias.
    public let topic: UnsafeRawBufferPointer
    public let properties: Properties
    public let payload: UnsafeRawBufferPointer
}

extension Publish {
    init(_ publish: ReceivedPublish) {
        self.init(
            topic: ByteBuffer(bytes: publish.topic), payload: ByteBuffer(bytes: publish.payload), qos: publish.qos,
            packetIdentifier: publish.packetIdentifier, isRetained: publish.isRetained,
            isDuplicate: publish.isDuplicate,
            properties: publish.properties)
    }

    /// Looks at the packet as one that was received.
    public func withReceived<Result>(_ body: (ReceivedPublish) -> Result) -> Result {
        topic.withUnsafeReadableBytes { topic in
            payload.withUnsafeReadableBytes { payload in
                body(
                    ReceivedPublish(
                        isDuplicate: isDuplicate, isRetained: isRetained, qos: qos, packetIdentifier: packetIdentifier,
                        topic: topic, properties: properties, payload: payload))
            }
        }
    }
}
