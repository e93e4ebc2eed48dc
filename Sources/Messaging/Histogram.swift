import Synchronization

/// Durations sorted into buckets, recorded from any thread. For what happens some thousand times a second at most, not for
/// each message.
public final class DurationHistogram: Sendable {
    private let bounds: [Duration]
    /// One for each bound, and one for what lies beyond the last.
    private let buckets: [Counter]
    private let nanoseconds = Counter()

    /// - Parameter bounds: upper ends of the buckets, included in them; ascending.
    public init(bounds: [Duration]) {
        precondition(!zip(bounds, bounds.dropFirst()).contains { $0 >= $1 }, "bounds ascend")
        self.bounds = bounds
        buckets = (0...bounds.count).map { _ in Counter() }
    }

    /// Negative durations count as none.
    public func record(_ duration: Duration) {
        buckets[bounds.firstIndex { duration <= $0 } ?? bounds.count].add()
        nanoseconds.add(UInt64(max(0, duration.wholeNanoseconds)))
    }

    /// In seconds. Taken while others record, sum and buckets may be one recording apart.
    public var reading: HistogramReading {
        var reading = HistogramReading(bounds: bounds.map { $0 / .seconds(1) })
        reading.counts = buckets.map(\.current)
        reading.sum = Double(nanoseconds.current) / 1e9
        return reading
    }
}

/// A histogram at one moment.
public struct HistogramReading: Sendable, Equatable {
    /// Upper ends of the buckets, included in them; ascending.
    public let bounds: [Double]
    /// Observations in each bucket, and last those beyond all bounds.
    public var counts: [UInt64]
    /// Sum of all observed values.
    public var sum = 0.0

    public init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    public var count: UInt64 { counts.reduce(0, +) }

    public mutating func observe(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }
}
