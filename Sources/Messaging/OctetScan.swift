/// What one pass over the octets of a topic tells.
struct OctetScan {
    let hasNull: Bool
    /// `+` or `#` occurs.
    let hasWildcard: Bool
    let isASCII: Bool

    init(_ text: UnsafeRawBufferPointer) {
        var nulls: UInt64 = 0
        var wildcards: UInt64 = 0
        var beyondASCII: UInt64 = 0
        for offset in stride(from: 0, to: text.count, by: 8) {
            let word = text.word(at: offset, filling: UInt8(ascii: "a"))
            nulls |= EachOctet.zeros(in: word)
            // `+` is 0x2B, `#` 0x23: without bit 3 they are the same.
            wildcards |= EachOctet.zeros(in: (word & EachOctet.of(0xF7)) ^ EachOctet.of(0x23))
            beyondASCII |= word & EachOctet.of(0x80)
        }
        hasNull = nulls != 0
        hasWildcard = wildcards != 0
        isASCII = beyondASCII == 0
    }

    init(_ text: String) { self = text.utf8.span.bytes.withUnsafeBytes { OctetScan($0) } }
}
