import Messaging

/// The name of a tree node's level, in four octets: up to three octets of text as they are, longer ones as the place where they
/// stand.
struct LevelName: Equatable, Sendable {
    private let bits: UInt32

    private static let isShortBit: UInt32 = 1 << 31

    /// Nil for a text of more than three octets.
    @inline(__always)
    init?(short text: UnsafeRawBufferPointer) {
        guard text.count <= 3 else { return nil }
        bits = UInt32(truncatingIfNeeded: text.word(at: 0, filling: 0)) | UInt32(text.count) << 24 | Self.isShortBit
    }

    /// - Parameter place: below 2^31.
    init(place: Int) {
        precondition(place < Int(Self.isShortBit), "two gigabytes hold the names of all levels")
        bits = UInt32(place)
    }

    static let plus = LevelName(plusBits: isShortBit | 1 << 24 | UInt32(UInt8(ascii: "+")))

    private init(plusBits bits: UInt32) { self.bits = bits }

    @inline(__always)
    var isShort: Bool { bits & Self.isShortBit != 0 }

    /// Of one that is not short.
    @inline(__always)
    var place: Int { Int(bits) }

    /// Calls `body` with the text of a short one.
    func withShortText<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: bits.littleEndian) { octets in
            body(UnsafeRawBufferPointer(rebasing: octets[..<Int(bits >> 24 & 3)]))
        }
    }

    /// What tells short ones apart.
    @inline(__always)
    var digest: UInt64 { UInt64(bits) }
}

/// What a level is looked up by.
struct LevelKey {
    let level: UnsafeRawBufferPointer
    /// Nil when its text has to be compared.
    let name: LevelName?

    @inline(__always)
    init(_ level: UnsafeRawBufferPointer) {
        self.level = level
        name = LevelName(short: level)
    }

    /// Where the table has it.
    @inline(__always)
    func hash(under parent: LevelNode.ID, seed: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: Self.mix(hash(seed: seed) ^ UInt64(UInt32(bitPattern: parent)) << 32))
    }

    @inline(__always)
    private func hash(seed: UInt64) -> UInt64 {
        if let name { return Self.mix(seed ^ name.digest) }
        var state = seed ^ UInt64(truncatingIfNeeded: level.count)
        var offset = 0
        while offset < level.count {
            state = Self.mix(state ^ level.word(at: offset, filling: 0))
            offset += 8
        }
        return state
    }

    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }
}
