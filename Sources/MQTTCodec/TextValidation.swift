import NIOCore

/// What one pass over the bytes of a string tells. The loop has no early exit, so that the compiler turns it into vector
/// code: a topic is checked with every PUBLISH.
struct TextScan {
    /// MQTT-1.5.4-1, MQTT-1.5.4-2: well-formed, no surrogates, no U+0000. The control characters and non-characters that
    /// SHOULD NOT be used are let through: devices in the field use them, and refusing is a MAY.
    let isString: Bool
    /// `+` or `#` occurs.
    let hasWildcard: Bool

    init(_ text: ByteBuffer) {
        var union: UInt8 = 0
        var nulls: UInt8 = 0
        var wildcards: UInt8 = 0
        text.withUnsafeReadableBytes { bytes in
            for byte in bytes {
                union |= byte
                nulls |= byte == 0 ? 1 : 0
                wildcards |= (byte == UInt8(ascii: "+") ? 1 : 0) | (byte == UInt8(ascii: "#") ? 1 : 0)
            }
        }
        isString = nulls == 0 && (union < 0x80 || (try? UTF8Span(validating: text.readableBytesUInt8Span)) != nil)
        hasWildcard = wildcards != 0
    }
}
