/// What a client's frames carry up to the first offence or Close, read straight from RFC 6455, 5.2, without any of the code
/// under test.
struct ExpectedStream {
    private(set) var octets: [UInt8] = []
    /// An offence or Close was found.
    private(set) var hasEnded = false
    private var isFragmented = false
    private var rest: ArraySlice<UInt8>

    init(_ frames: [UInt8], frameLimit: Int) {
        rest = frames[...]
        while !hasEnded, readFrame(frameLimit) {}
    }

    /// False when the frame is not complete.
    private mutating func readFrame(_ frameLimit: Int) -> Bool {
        guard let first = rest.popFirst(), let second = rest.popFirst(), let length = readLength(second) else {
            return false
        }
        let isControl = first & 0b1000 != 0
        let isLast = first & 0x80 != 0
        guard length <= frameLimit, !isControl || (isLast && length <= 125) else { return end() }
        let isMasked = second & 0x80 != 0
        guard let mask = take(isMasked ? 4 : 0), let data = take(Int(length)) else { return false }
        guard isMasked, first & 0x70 == 0 else { return end() }
        switch first & 0x0F {
        case 0, 2:
            guard isFragmented == (first & 0x0F == 0) else { return end() }
            isFragmented = !isLast
            octets += zip(data, data.indices).map { $0 ^ mask[mask.startIndex + ($1 - data.startIndex) % 4] }
            return true
        case 9, 10: return true
        default: return end()
        }
    }

    private mutating func readLength(_ second: UInt8) -> UInt64? {
        switch second & 0x7F {
        case 126: take(2).map { $0.reduce(0) { $0 << 8 | UInt64($1) } }
        case 127: take(8).map { $0.reduce(0) { $0 << 8 | UInt64($1) } }
        case let short: UInt64(short)
        }
    }

    private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private mutating func end() -> Bool {
        hasEnded = true
        return true
    }
}
