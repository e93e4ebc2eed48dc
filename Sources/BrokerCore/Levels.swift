import Glibc
import Messaging

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

    @inline(__always)
    mutating func next() -> UnsafeRawBufferPointer? {
        guard position <= octets.count else { return nil }
        let start = position
        position = octets.endOfLevel(from: start) + 1
        return UnsafeRawBufferPointer(rebasing: octets[start..<position - 1])
    }

    /// Whether a topic has more levels than `limit`. There are no more than octets and one, so that short ones need not be looked at.
    @inline(__always)
    static func areMore(than limit: Int, in octets: UnsafeRawBufferPointer) -> Bool {
        octets.count >= limit && count(octets) > limit
    }

    static func count(_ octets: UnsafeRawBufferPointer) -> Int {
        guard !octets.isEmpty else { return 0 }
        var count = 1
        for offset in stride(from: 0, to: octets.count, by: 8) {
            count += EachOctet.count(of: UInt8(ascii: "/"), in: octets.word(at: offset, filling: 0))
        }
        return count
    }
}

extension UnsafeRawBufferPointer {
    /// Where the level that begins at `start` ends: at the next slash, or with the text.
    @inline(__always)
    func endOfLevel(from start: Int) -> Int {
        var position = start
        while position < count {
            let slashes = EachOctet.zeros(in: word(at: position, filling: 0) ^ EachOctet.of(UInt8(ascii: "/")))
            if slashes != 0 { return position + slashes.trailingZeroBitCount / 8 }
            position += 8
        }
        return count
    }

    /// Whether it begins with the first `count` octets of `other`, which has that many.
    @inline(__always)
    func hasPrefix(_ other: UnsafeRawBufferPointer, _ count: Int) -> Bool {
        guard count > 0, let start = baseAddress, let beginning = other.baseAddress else { return count == 0 }
        return self.count >= count && memcmp(start, beginning, count) == 0
    }

    /// Behind the last slash among the first `count` octets; 0 for none.
    func endOfLastLevel(before count: Int) -> Int {
        self[..<count].lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
    }

    /// How many octets both begin with.
    @inline(__always)
    func octetsShared(with other: UnsafeRawBufferPointer) -> Int {
        let most = Swift.min(count, other.count)
        var position = 0
        while position < most {
            let difference = word(at: position, filling: 0) ^ other.word(at: position, filling: 0)
            if difference != 0 { return Swift.min(most, position + difference.trailingZeroBitCount / 8) }
            position += 8
        }
        return most
    }

    var isPlus: Bool { count == 1 && self[0] == UInt8(ascii: "+") }
    var isHash: Bool { count == 1 && self[0] == UInt8(ascii: "#") }
}
