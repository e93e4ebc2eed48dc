import Testing

@testable import LoadGenerator

@Suite struct LatencyHistogramTests {
    @Test func percentilesAreExactToASixtyFourth() {
        var histogram = LatencyHistogram()
        for microseconds in 1...10_000 { histogram.record(nanoseconds: UInt64(microseconds) * 1_000) }
        for (share, expected) in [(0.5, 5_000_000.0), (0.9, 9_000_000), (0.99, 9_900_000)] {
            let value = Double(histogram.percentile(share))
            #expect(value >= expected && value <= expected * (1 + 1.0 / 64))
        }
        #expect(histogram.maximum == 10_000_000)
        #expect(histogram.percentile(1) == 10_000_000)
    }

    @Test func theExtremesHaveABucket() {
        var histogram = LatencyHistogram()
        histogram.record(nanoseconds: 0)
        histogram.record(nanoseconds: .max)
        #expect(histogram.percentile(0.5) == 0)
        #expect(histogram.percentile(1) == .max)
        #expect(LatencySummary(LatencyHistogram()) == nil)
    }
}
