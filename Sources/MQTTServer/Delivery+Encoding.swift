import MQTTCodec
import Messaging
import NIOCore

extension Span<Delivery> {
    /// Appends the PUBLISH packets of the deliveries from `start` on that say no more than topic and payload, as nearly all do. From
    /// header, topic and payload as they lie in the message, which is as cheap as copying a packet encoded for another receiver; in one
    /// piece of room, and looked at in place: nothing is retained.
    /// - Returns: the first that was not written: it says more, is a release, or is larger than `maximumPacketSize`.
    @inline(__always)
    func encodePlain(
        from start: Int, into buffer: inout ByteBuffer, version: ProtocolVersion, maximumPacketSize: Int
    ) -> Int {
        withUnsafeBufferPointer { deliveries in
            let limit = Swift.min(maximumPacketSize, PublishWriter.largestPacket)
            var (end, total) = (start, 0)
            while end < deliveries.count, deliveries[end].step == .publish {
                if version == .v5, deliveries[end].saysMore { break }
                let octets = deliveries[end].message.octetsInPlace
                let size = PublishWriter.size(
                    deliveries[end].header, topic: octets.topic.count, payload: octets.payload.count, version: version)
                guard size <= limit else { break }
                total += size
                end += 1
            }
            guard end > start else { return start }
            PublishWriter.append(total, to: &buffer, version: version) { writer in
                for index in start..<end {
                    let octets = deliveries[index].message.octetsInPlace
                    writer.write(
                        deliveries[index].header, topic: octets.topic.bytes, payload: octets.payload.bytes)
                }
            }
            return end
        }
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
        return message.withOctets { topic, payload in
            PacketEncoder.encodePublish(
                header, topic: naming.hidesName ? RawSpan() : topic.bytes, properties: properties,
                payload: payload.bytes, into: &buffer, version: version, maximumPacketSize: maximumPacketSize)
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
