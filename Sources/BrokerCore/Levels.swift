/// The levels of a topic name or filter, as slices of its octets. `a//b` has three levels, the middle one empty; the
/// empty text has none.
struct Levels: Sequence, IteratorProtocol {
    private var octets: UnsafeRawBufferPointer
    private var position: Int

    init(_ octets: UnsafeRawBufferPointer) {
        self.octets = octets
        position = octets.isEmpty ? 1 : 0
    }

    /// Takes the last level off if it is `#`.
    /// - Returns: whether it was. Of `#` alone no level is left, of `/#` the empty one.
    mutating func dropHash() -> Bool {
        guard octets.last == UInt8(ascii: "#") else { return false }
        if octets.count == 1 { position = 1 }
        octets = UnsafeRawBufferPointer(rebasing: octets.dropLast(2))
        return true
    }

    mutating func next() -> UnsafeRawBufferPointer? {
        guard position <= octets.count else { return nil }
        let start = position
        while position < octets.count, octets[position] != UInt8(ascii: "/") { position += 1 }
        let level = UnsafeRawBufferPointer(rebasing: octets[start..<position])
        position += 1
        return level
    }

    /// Number of levels of `text`.
    static func count(_ text: String) -> Int {
        guard !text.isEmpty else { return 0 }
        var text = text
        return text.withUTF8 { octets in
            var count = 1
            for octet in octets where octet == UInt8(ascii: "/") { count += 1 }
            return count
        }
    }
}
