import MQTTCodec
import Messaging
import NIOCore

extension Span<Delivery> {
    /// Appends the PUBLISH of the delivery at `index`. From header, topic and payload as they lie in the message, which is as cheap as
    /// copying a packet encoded for another receiver. The delivery is looked at in place: nothing is retained.
    /// - Returns: false when the packet is larger than `maximumPacketSize`; nothing was written then.
    @inline(__always)
    func encode(
        _ index: Int, into buffer: inout ByteBuffer, version: ProtocolVersion, maximumPacketSize: Int, now: Timestamp
    ) -> Bool {
        if version == .v5, self[index].saysMore {
            return self[index].encode(into: &buffer, version: version, maximumPacketSize: maximumPacketSize, now: now)
        }
        let octets = self[index].message.octetsInPlace
        return PacketEncoder.encodePublish(
            self[index].header, topic: octets.topic.bytes, payload: octets.payload.bytes, into: &buffer,
            version: version, maximumPacketSize: maximumPacketSize)
    }
}

extension Delivery {
    /// Appends the PUBLISH with all that 5.0 lets it say.
    /// - Returns: false when the packet is larger than `maximumPacketSize`; nothing was written then.
    func encode(
        into buffer: inout ByteBuffer, version: ProtocolVersion, maximumPacketSize: Int, now: Timestamp,
        naming: OutgoingAliases.Use = .name
    ) -> Bool {
        var properties = DeliveryProperties(self, now: now)
        if let alias = naming.number {
            if properties == nil { properties = DeliveryProperties() }
            properties?.topicAlias = alias
        }
        return withExtendedLifetime(message) {
            let octets = message.octetsInPlace
            return PacketEncoder.encodePublish(
                header, topic: naming.hidesName ? RawSpan() : octets.topic.bytes, properties: properties,
                payload: octets.payload.bytes, into: &buffer, version: version, maximumPacketSize: maximumPacketSize)
        }
    }

    fileprivate var header: PublishHeader {
        PublishHeader(qos: .init(qos), isRetained: retain, isDuplicate: isDuplicate, packetIdentifier: packetID)
    }

    /// Whether it says more than topic and payload.
    fileprivate var saysMore: Bool {
        if case .none = subscriptionIDs { message.saysMore } else { true }
    }
}
