/// The first octets of a datagram, and whether the rest is a message at all (RFC 7252, 3).
///
///     0                   1                   2                   3
///     Ver(2) T(2) TKL(4) | Code (8)         | Message ID (16)
///     Token (TKL octets) … Options … 0xFF Payload
struct DatagramHeader: Equatable {
    enum Kind: UInt8 {
        case confirmable = 0
        case nonConfirmable
        case acknowledgement
        case reset
    }

    let kind: Kind
    let code: CoAPCode
    let messageID: UInt16

    /// Nil for anything that is no well-formed message.
    init?(_ octets: some RandomAccessCollection<UInt8>) {
        guard octets.count >= 4 else { return nil }
        var rest = octets[...]
        let first = Self.take(&rest)
        guard first >> 6 == 1, let kind = Kind(rawValue: first >> 4 & 3) else { return nil }
        let tokenCount = Int(first & 0xF)
        code = CoAPCode(rawValue: Self.take(&rest))
        messageID = UInt16(Self.take(&rest)) << 8 | UInt16(Self.take(&rest))
        self.kind = kind
        // RFC 7252, 4.1: an empty message is four octets and nothing else. 3: token lengths 9...15 are reserved.
        guard code == .empty ? octets.count == 4 : tokenCount <= CoAPToken.maximumCount else { return nil }
        guard tokenCount <= rest.count else { return nil }
        rest = rest.dropFirst(tokenCount)
        guard Self.areOptionsWellFormed(rest) else { return nil }
    }

    /// Walks the options (RFC 7252, 3.1): delta and length nibbles, 13 and 14 announcing one and two octets more.
    private static func areOptionsWellFormed(_ octets: some RandomAccessCollection<UInt8>) -> Bool {
        var rest = octets[...]
        var number = 0
        while let first = rest.first {
            rest = rest.dropFirst()
            // RFC 7252, 3: a marker followed by nothing is an error.
            if first == 0xFF { return !rest.isEmpty }
            guard let delta = extended(first >> 4, &rest), let length = extended(first & 0xF, &rest) else { return false }
            number += delta
            guard number <= 0xFFFF, length <= rest.count else { return false }
            rest = rest.dropFirst(length)
        }
        return true
    }

    private static func extended<Octets: RandomAccessCollection<UInt8>>(
        _ nibble: UInt8, _ rest: inout Octets
    ) -> Int? where Octets.SubSequence == Octets {
        switch nibble {
        case 0...12: return Int(nibble)
        case 13:
            guard let octet = rest.popFirst() else { return nil }
            return Int(octet) + 13
        case 14:
            guard let high = rest.popFirst(), let low = rest.popFirst() else { return nil }
            return (Int(high) << 8 | Int(low)) + 269
        default: return nil
        }
    }

    /// The next octet; the caller has checked that there is one.
    private static func take<Octets: RandomAccessCollection<UInt8>>(_ rest: inout Octets) -> UInt8
    where Octets.SubSequence == Octets {
        rest.popFirst() ?? 0
    }
}
