import MQTTCodec
import Messaging
import NIOCore

extension Delivery {
    /// Appends the PUBLISH. From header, topic and payload as they lie in the message, which is as cheap as copying a packet encoded
    /// for another receiver.
    /// - Returns: false when the packet is larger than `maximumPacketSize`; nothing was written then.
    func encode(
        into buffer: inout ByteBuffer, version: ProtocolVersion, maximumPacketSize: Int, now: Timestamp,
        naming: OutgoingAliases.Use = .name
    ) -> Bool {
        let header = PublishHeader(
            qos: .init(qos), isRetained: retain, isDuplicate: isDuplicate, packetIdentifier: packetID)
        guard version == .v5, naming != .name || saysMore else {  // as nearly all do
            return message.withOctets { topic, payload in
                PacketEncoder.encodePublish(
                    header, topic: topic.bytes, payload: payload.bytes, into: &buffer, version: version,
                    maximumPacketSize: maximumPacketSize)
            }
        }
        var properties = DeliveryProperties(self, now: now)
        if let alias = naming.number {
            if properties == nil { properties = DeliveryProperties() }
            properties?.topicAlias = alias
        }
        return message.withOctets { topic, payload in
            PacketEncoder.encodePublish(
                header, topic: naming.hidesName ? RawSpan() : topic.bytes, properties: properties,
                payload: payload.bytes,
                into: &buffer, version: version, maximumPacketSize: maximumPacketSize)
        }
    }

    /// Whether it says more than topic and payload.
    private var saysMore: Bool {
        if case .none = subscriptionIDs { message.saysMore } else { true }
    }
}
