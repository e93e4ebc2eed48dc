/// When messages of a fixed rate are due.
struct Schedule {
    private let interval: UInt64
    private(set) var next: UInt64

    init(rate: Double, from start: UInt64) {
        interval = max(1, UInt64(1e9 / rate))
        next = start
    }

    /// One message begins now.
    /// - Parameter wasHeldUp: the message before it was not through when this one was due.
    /// - Returns: since when it counts: a message that waited for the one before it has waited since it was due, while a late
    ///   wake-up of the generator's own is not the broker's delay.
    mutating func begin(at now: UInt64, wasHeldUp: Bool) -> UInt64 {
        defer { next += interval }
        return wasHeldUp ? next : now
    }
}
