/// Durations counted in buckets whose width is at most 1/64 of their value, so that any percentile is exact to 1.6 %.
struct LatencyHistogram {
    private static let subBits = 6
    private var counts = [UInt32](repeating: 0, count: 64 << Self.subBits)
    private(set) var count = 0
    private(set) var maximum: UInt64 = 0

    mutating func record(nanoseconds: UInt64) {
        counts[Self.bucket(of: nanoseconds)] += 1
        count += 1
        maximum = max(maximum, nanoseconds)
    }

    /// The duration that `share` (0...1) of all stay at or below, in nanoseconds; 0 without any.
    func percentile(_ share: Double) -> UInt64 {
        let rank = max(1, Int((Double(count) * share).rounded(.up)))
        var seen = 0
        for (bucket, inBucket) in counts.enumerated() where inBucket > 0 {
            seen += Int(inBucket)
            if seen >= rank { return min(maximum, Self.upperEnd(of: bucket)) }
        }
        return 0
    }

    /// The highest bit and the six below it.
    private static func bucket(of value: UInt64) -> Int {
        guard value >= 1 << subBits else { return Int(value) }
        let shift = 63 - value.leadingZeroBitCount - subBits
        return (shift + 1) << subBits | Int(value >> UInt64(shift)) & (1 << subBits - 1)
    }

    private static func upperEnd(of bucket: Int) -> UInt64 {
        guard bucket >= 1 << subBits else { return UInt64(bucket) }
        let shift = UInt64(bucket >> subBits - 1)
        let top = UInt64(1 << subBits | bucket & (1 << subBits - 1))
        return top << shift + (1 << shift - 1)
    }
}

/// What is reported of many durations, in microseconds.
package struct LatencySummary: Codable, Sendable, Equatable {
    package var p50: Double
    package var p90: Double
    package var p99: Double
    package var maximum: Double

    /// Nil without any.
    init?(_ histogram: LatencyHistogram) {
        guard histogram.count > 0 else { return nil }
        p50 = Double(histogram.percentile(0.5)) / 1_000
        p90 = Double(histogram.percentile(0.9)) / 1_000
        p99 = Double(histogram.percentile(0.99)) / 1_000
        maximum = Double(histogram.maximum) / 1_000
    }
}
