import Messaging

/// Observe numbers: 24 bits that rise (RFC 7641, 4.4).
struct ObserveSequence: Equatable {
    private(set) var value: UInt32

    static let mask: UInt32 = 0xFF_FFFF

    /// Begins at a number taken from the clock, some 30,500 a second, so that an observation that begins anew under an old
    /// token begins above where the old one ended; it wraps around in 549 s, well beyond the 256 s the standard asks for.
    init(startingAt now: Timestamp) {
        value = UInt32(truncatingIfNeeded: now.nanoseconds >> 15) & Self.mask
    }

    mutating func next() -> UInt32 {
        value = (value &+ 1) & Self.mask
        return value
    }

    /// Whether a notification is newer than the one seen before (RFC 7641, 3.4).
    static func isNewer(_ new: UInt32, at now: Timestamp, than old: UInt32, seenAt then: Timestamp) -> Bool {
        let half: UInt32 = 1 << 23
        return (old < new && new - old < half) || (old > new && old - new > half) || now.since(then) > .seconds(128)
    }
}
