/// What the payload of each message begins with; padding fills it up to the size asked for.
///
///     | publisher (4) | stream (4) | number in the stream (8) | ordinal of the publisher (8) | padding |
struct Stamp: Equatable {
    /// Octets, and so the smallest payload.
    static let size = 24

    var publisher: UInt32
    /// A sequence of messages whose order and completeness receivers check: what one publisher sends one group of receivers.
    var stream: UInt32
    /// 0, 1, 2, … in the stream.
    var number: UInt64
    /// 0, 1, 2, … of all that the publisher sends.
    var ordinal: UInt64

    func write(into octets: inout [UInt8], at offset: Int) {
        octets.withUnsafeMutableBytes { buffer in
            buffer.storeBytes(of: publisher.bigEndian, toByteOffset: offset, as: UInt32.self)
            buffer.storeBytes(of: stream.bigEndian, toByteOffset: offset + 4, as: UInt32.self)
            buffer.storeBytes(of: number.bigEndian, toByteOffset: offset + 8, as: UInt64.self)
            buffer.storeBytes(of: ordinal.bigEndian, toByteOffset: offset + 16, as: UInt64.self)
        }
    }
}

extension Stamp {
    /// Nil when the payload is too short to be one of ours.
    init?(_ octets: borrowing Span<UInt8>, at offset: Int, end: Int) {
        guard end - offset >= Self.size else { return nil }
        publisher = UInt32(truncatingIfNeeded: octets.bigEndian(at: offset, octets: 4))
        stream = UInt32(truncatingIfNeeded: octets.bigEndian(at: offset + 4, octets: 4))
        number = octets.bigEndian(at: offset + 8, octets: 8)
        ordinal = octets.bigEndian(at: offset + 16, octets: 8)
    }
}

extension Span<UInt8> {
    func bigEndian(at offset: Int, octets count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in offset..<(offset + count) { value = value << 8 | UInt64(self[index]) }
        return value
    }
}
