/// What one pass over the bytes of a string tells. A topic is checked with every PUBLISH, so the pass takes eight bytes at a time.
struct TextScan {
    /// MQTT-1.5.4-1, MQTT-1.5.4-2: well-formed, no surrogates, no U+0000. The control characters and non-characters that
    /// SHOULD NOT be used are let through: devices in the field use them, and refusing is a MAY.
    let isString: Bool
    /// No byte beyond 0x7F.
    let isASCII: Bool
    /// `+` or `#` occurs.
    let hasWildcard: Bool

    @inline(__always)
    init(_ text: UnsafeRawBufferPointer) {
        var marks = Marks()
        var offset = 0
        while offset + 8 <= text.count {
            marks.look(at: text.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        if offset < text.count { marks.look(at: Self.end(of: text)) }
        isASCII = marks.beyondASCII == 0
        isString = marks.nulls == 0 && (marks.beyondASCII == 0 || Self.isUTF8(text))
        hasWildcard = marks.wildcards != 0
    }

    /// The last eight bytes, some of which have been looked at; of a shorter text all, each in the place of a letter.
    @inline(__always)
    private static func end(of text: UnsafeRawBufferPointer) -> UInt64 {
        guard text.count < 8 else { return text.loadUnaligned(fromByteOffset: text.count - 8, as: UInt64.self) }
        var word = EachByte.of(UInt8(ascii: "a"))
        for byte in text { word = word << 8 | UInt64(byte) }
        return word
    }

    private static func isUTF8(_ text: UnsafeRawBufferPointer) -> Bool {
        (try? UTF8Span(validating: text.assumingMemoryBound(to: UInt8.self).span)) != nil
    }

    /// Not 0 once a byte of that kind has been seen.
    private struct Marks {
        var beyondASCII: UInt64 = 0
        var nulls: UInt64 = 0
        var wildcards: UInt64 = 0

        @inline(__always)
        mutating func look(at word: UInt64) {
            beyondASCII |= word & EachByte.of(0x80)
            nulls |= EachByte.zeros(in: word)
            // `+` is 0x2B, `#` 0x23: without bit 3 they are the same.
            wildcards |= EachByte.zeros(in: (word & EachByte.of(0xF7)) ^ EachByte.of(0x23))
        }
    }
}

/// The same done to each byte of a word.
private enum EachByte {
    @inline(__always)
    static func of(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

    /// Not 0 exactly when a byte is: subtracting 1 borrows the top bit of a byte that had none.
    @inline(__always)
    static func zeros(in word: UInt64) -> UInt64 { (word &- of(0x01)) & ~word & of(0x80) }
}
