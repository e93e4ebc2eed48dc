/// Value of a Block1 or Block2 option (RFC 7959, 2.2).
///
///     0 to 3 octets:  NUM (4, 12 or 20 bits) | M (1) | SZX (3)
///     block size = 2 ** (SZX + 4), offset = NUM * size
struct Block: Equatable, Sendable {
    /// 0...1,048,575
    let number: UInt32
    let more: Bool
    /// 0...6; 7 is reserved over datagrams (RFC 7959, 2.2; RFC 8323, 6 gives it a meaning over TCP).
    let exponent: UInt8

    static let largestNumber: UInt32 = 0xF_FFFF

    init(number: UInt32, more: Bool, exponent: UInt8) {
        precondition(number <= Self.largestNumber && exponent <= 6, "a block option must fit its fields")
        self.number = number
        self.more = more
        self.exponent = exponent
    }

    /// Nil for the reserved size or a number beyond 20 bits.
    init?(value: UInt32) {
        let exponent = UInt8(value & 7)
        guard exponent != 7, value >> 4 <= Self.largestNumber else { return nil }
        self.init(number: value >> 4, more: value & 8 != 0, exponent: exponent)
    }

    var value: UInt32 { number << 4 | (more ? 8 : 0) | UInt32(exponent) }

    /// Octets of a full block: 16...1024.
    var size: Int { 1 << (Int(exponent) + 4) }

    /// Where the block begins in the body.
    var offset: Int { Int(number) << (Int(exponent) + 4) }

    /// The exponent of the largest block of at most `octets`.
    static func exponent(notAbove octets: Int) -> UInt8 {
        var exponent: UInt8 = 0
        while exponent < 6, 32 << Int(exponent) <= octets { exponent += 1 }
        return exponent
    }

    /// Cuts the block that begins at `offset` out of a body. Nil when it begins beyond the end.
    /// - Returns: its octets, and the option describing them.
    static func cut(_ body: [UInt8], offset: Int, exponent: UInt8) -> (payload: ArraySlice<UInt8>, block: Block)? {
        let size = 1 << (Int(exponent) + 4)
        let number = offset / size
        guard offset < body.count || offset == 0, number <= Int(largestNumber) else { return nil }
        let end = min(offset + size, body.count)
        return (
            body[offset..<end],
            Block(number: UInt32(number), more: end < body.count, exponent: exponent)
        )
    }
}
