import Glibc

/// Times in nanoseconds, as plain numbers: they are taken and compared once for each message.
enum Clock {
    /// CLOCK_MONOTONIC.
    static func now() -> UInt64 { read(CLOCK_MONOTONIC) ?? 0 }

    /// Processor time this thread has used.
    static func threadProcessorTime() -> UInt64 { read(CLOCK_THREAD_CPUTIME_ID) ?? 0 }

    /// Nil when there is no such clock (any more).
    static func read(_ clock: clockid_t) -> UInt64? {
        var time = timespec()
        guard clock_gettime(clock, &time) == 0 else { return nil }
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    static func seconds(_ count: Double) -> UInt64 { UInt64(count * 1e9) }
}
