import Glibc

/// Where every part of the gateway gets its time, so that tests can move it by hand.
public protocol GatewayClock: Sendable {
    /// Monotonic time.
    func now() -> Timestamp
    /// Seconds and nanoseconds since 1970-01-01T00:00:00Z, for what leaves the process (stored deadlines, records).
    func wallClock() -> Duration
}

/// The machine's clocks.
public struct SystemClock: GatewayClock {
    public init() {}

    public func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Timestamp(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    public func wallClock() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
