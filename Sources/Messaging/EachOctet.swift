/// The same done to each octet of a word: how topics, which are looked at with every message, are looked at eight octets at a time.
public enum EachOctet {
    @inlinable @inline(__always)
    public static func of(_ octet: UInt8) -> UInt64 { UInt64(octet) &* 0x0101_0101_0101_0101 }

    /// Not 0 exactly when an octet is: subtracting 1 borrows the top bit of an octet that had none. The lowest bit set stands in the
    /// first octet that is 0; those above it may say so wrongly.
    @inlinable @inline(__always)
    public static func zeros(in word: UInt64) -> UInt64 { (word &- of(0x01)) & ~word & of(0x80) }

    /// Octets of `word` that are `octet`.
    @inlinable @inline(__always)
    public static func count(of octet: UInt8, in word: UInt64) -> Int {
        let difference = word ^ of(octet)
        let others = ((difference & of(0x7F)) &+ of(0x7F)) | difference
        // The highest octet of the product is the sum of all.
        return Int(truncatingIfNeeded: (((~others & of(0x80)) &>> 7) &* of(1)) &>> 56)
    }
}

extension UnsafeRawBufferPointer {
    /// The eight octets from `offset` on, the first in the lowest place; in place of what is beyond the end stands `filling`.
    @inlinable @inline(__always)
    public func word(at offset: Int, filling: UInt8) -> UInt64 {
        let rest = count - offset
        guard rest < 8 else { return UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
        guard count < 8 else {
            let last = UInt64(littleEndian: loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
            return last &>> UInt64(8 * (8 - rest)) | EachOctet.of(filling) << UInt64(8 * rest)
        }
        return short(at: offset) | EachOctet.of(filling) << UInt64(8 * rest)
    }

    /// The octets from `offset` to the end, of which there are fewer than eight: two loads that may overlap.
    @inlinable @inline(__always)
    func short(at offset: Int) -> UInt64 {
        let rest = count - offset
        if rest >= 4 {
            let first = UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            let last = UInt32(littleEndian: loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
            return UInt64(first) | UInt64(last) &<< UInt64(8 * (rest - 4))
        }
        guard rest >= 2 else { return rest == 1 ? UInt64(self[offset]) : 0 }
        let first = UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
        return UInt64(first) | UInt64(self[count - 1]) &<< UInt64(8 * (rest - 1))
    }
}
