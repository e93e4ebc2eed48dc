import MQTTCodec

/// The fixed header of a packet a broker sent (MQTT 5.0, 2.1), read in place.
struct Frame {
    enum Reading {
        case frame(Frame)
        /// There is more to come.
        case incomplete
        case malformed
    }

    var type: PacketType
    /// QoS and RETAIN of a PUBLISH.
    var flags: UInt8
    /// Where the body begins and ends.
    var start: Int
    var end: Int

    static func read(_ octets: borrowing Span<UInt8>, at offset: Int, count: Int) -> Reading {
        guard offset + 2 <= count else { return .incomplete }
        guard let type = PacketType(rawValue: octets[offset] >> 4) else { return .malformed }
        guard let (length, size) = variableByteInteger(octets, at: offset + 1, count: count) else {
            return offset + 5 <= count ? .malformed : .incomplete
        }
        let start = offset + 1 + size
        guard start + length <= count else { return .incomplete }
        return .frame(Frame(type: type, flags: octets[offset] & 0x0F, start: start, end: start + length))
    }

    /// MQTT 5.0, 1.5.5. Nil when the octets end before the number does, or it does not end within four.
    fileprivate static func variableByteInteger(
        _ octets: borrowing Span<UInt8>, at offset: Int, count: Int
    ) -> (value: Int, size: Int)? {
        var value = 0
        for size in 1...4 where offset + size <= count {
            let octet = octets[offset + size - 1]
            value |= Int(octet & 0x7F) << (7 * (size - 1))
            if octet & 0x80 == 0 { return (value, size) }
        }
        return nil
    }
}

/// A message that arrived, as much of it as is looked at.
struct Delivery {
    var qos: QoS
    var isRetained: Bool
    /// 0 at QoS 0.
    var identifier: UInt16
    /// Nil for a message that is not the generator's.
    var stamp: Stamp?

    /// Nil when the body is none of a PUBLISH.
    init?(_ frame: Frame, in octets: borrowing Span<UInt8>, version: ProtocolVersion) {
        guard let qos = QoS(rawValue: frame.flags >> 1 & 0b11), frame.start + 2 <= frame.end else { return nil }
        var offset = frame.start + 2 + Int(octets.bigEndian(at: frame.start, octets: 2))
        self.qos = qos
        isRetained = frame.flags & 1 == 1
        identifier = 0
        if qos != .atMostOnce {
            guard offset + 2 <= frame.end else { return nil }
            identifier = UInt16(truncatingIfNeeded: octets.bigEndian(at: offset, octets: 2))
            offset += 2
        }
        if version.hasProperties {
            guard let (length, size) = Frame.variableByteInteger(octets, at: offset, count: frame.end) else {
                return nil
            }
            offset += size + length
        }
        guard offset <= frame.end else { return nil }
        stamp = Stamp(octets, at: offset, end: frame.end)
    }
}
