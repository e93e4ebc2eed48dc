import MQTTCodec
import Messaging
import NIOCore

/// Encoded PUBLISH packets of one pass over many woken connections. A message at QoS 0 looks the same to every receiver of
/// one protocol version, so from its second receiver on it is copied instead of encoded. Lives for one pass: it holds
/// messages alive, and identity is only a key while it does.
struct EncodedPublishCache {
    private struct Slot {
        let message: Message
        let isVersion5: Bool
        let retain: Bool
        /// Where in `bytes`; nil after the first sight, which most messages stay at.
        var range: Range<Int>?
    }

    private static let slotCount = 64
    private static let worthwhileReceivers = 4
    /// Beyond this the cache starts anew.
    private static let byteLimit = 1_048_576

    private var slots: [Slot?]
    private var bytes = ByteBuffer()

    /// - Parameter receivers: connections the pass goes over; a few have too little to share.
    init(receivers: Int) {
        slots = receivers >= Self.worthwhileReceivers ? [Slot?](repeating: nil, count: Self.slotCount) : []
    }

    /// Appends the PUBLISH of `delivery`.
    /// - Returns: false when it is larger than `maximumPacketSize`; nothing was written then.
    mutating func write(
        _ delivery: Delivery, into buffer: inout ByteBuffer, version: ProtocolVersion, maximumPacketSize: Int,
        now: Timestamp
    ) -> Bool {
        guard !slots.isEmpty, delivery.isAlike(version) else {
            return delivery.encode(into: &buffer, version: version, maximumPacketSize: maximumPacketSize, now: now)
        }
        let isVersion5 = version == .v5
        let index = (Int(bitPattern: ObjectIdentifier(delivery.message)) >> 5) & (Self.slotCount - 1)
        guard let slot = slots[index], slot.message === delivery.message, slot.isVersion5 == isVersion5,
            slot.retain == delivery.retain
        else {
            slots[index] = Slot(message: delivery.message, isVersion5: isVersion5, retain: delivery.retain)
            return delivery.encode(into: &buffer, version: version, maximumPacketSize: maximumPacketSize, now: now)
        }
        guard let range = slot.range ?? encode(delivery, at: index, version: version, now: now),
            range.count <= maximumPacketSize
        else { return false }
        bytes.withUnsafeReadableBytes { bytes in
            _ = buffer.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[range]))
        }
        return true
    }

    private mutating func encode(
        _ delivery: Delivery, at index: Int, version: ProtocolVersion, now: Timestamp
    ) -> Range<Int>? {
        if bytes.readableBytes > Self.byteLimit {
            bytes.clear()
            for index in slots.indices { slots[index]?.range = nil }
        }
        let start = bytes.writerIndex
        guard delivery.encode(into: &bytes, version: version, maximumPacketSize: .max, now: now) else { return nil }
        let range = start..<bytes.writerIndex
        slots[index]?.range = range
        return range
    }
}

extension Delivery {
    /// Whether every receiver that speaks `version` gets the same bytes.
    fileprivate func isAlike(_ version: ProtocolVersion) -> Bool {
        qos == .atMostOnce && (version < .v5 || (subscriptionIDs == .none && message.expiresAt == .never))
    }

    /// - Returns: false when the packet is larger than `maximumPacketSize`; nothing was written then.
    func encode(
        into buffer: inout ByteBuffer, version: ProtocolVersion, maximumPacketSize: Int, now: Timestamp,
        naming: OutgoingAliases.Use = .name
    ) -> Bool {
        let header = PublishHeader(
            qos: .init(qos), isRetained: retain, isDuplicate: isDuplicate, packetIdentifier: packetID)
        var properties = version == .v5 ? DeliveryProperties(self, now: now) : nil
        if let alias = naming.number {
            if properties == nil { properties = DeliveryProperties() }
            properties?.topicAlias = alias
        }
        let topic = naming.hidesName ? "".utf8 : message.topic.string.utf8
        let payload = message.payload
        return PacketEncoder.encodePublish(
            header, topic: topic.span.bytes, properties: properties,
            payload: payload.span.bytes, into: &buffer, version: version, maximumPacketSize: maximumPacketSize)
    }
}
