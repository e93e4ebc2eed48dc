import Messaging
import TestKit
import Testing

@testable import Telemetry

@Suite struct PrometheusTextTests {
    @Test func aFamilyIsHelpTypeAndSamples() {
        var family = MetricFamily(.counter, "apus_x_total", "Things with a \\ and a\nline feed and a \"")
        family.add(3, ["reason": "a\"b\\c\nd", "qos": "1"])
        family.add(0.5)
        #expect(
            PrometheusText.render([family]) == #"""
                # HELP apus_x_total Things with a \\ and a\nline feed and a "
                # TYPE apus_x_total counter
                apus_x_total{reason="a\"b\\c\nd",qos="1"} 3
                apus_x_total 0.5

                """#)
    }

    @Test func bucketsAreCumulative() {
        var reading = HistogramReading(bounds: [0.001, 1, 20])
        for value in [0.0005, 0.001, 0.5, 30, 31.5] { reading.observe(value) }
        var family = MetricFamily(.histogram, "apus_x_seconds", "X")
        family.add(reading, ["loop": "0"])
        #expect(
            PrometheusText.render([family]) == """
                # HELP apus_x_seconds X
                # TYPE apus_x_seconds histogram
                apus_x_seconds_bucket{loop="0",le="0.001"} 2
                apus_x_seconds_bucket{loop="0",le="1"} 3
                apus_x_seconds_bucket{loop="0",le="20"} 3
                apus_x_seconds_bucket{loop="0",le="+Inf"} 5
                apus_x_seconds_sum{loop="0"} 62.0015
                apus_x_seconds_count{loop="0"} 5

                """)
    }

    @Test(arguments: [
        (0.0, "0"), (1e14, "100000000000000"), (1e22, "1e+22"), (0.1, "0.1"), (-.infinity, "-Inf"), (.infinity, "+Inf"),
        (.nan, "NaN"),
    ])
    func numbersAreWrittenAsGoReadsThem(value: Double, written: String) {
        #expect(PrometheusText.number(value) == written)
    }

    @Test func aFamilyWithoutSamplesIsLeftOut() {
        #expect(PrometheusText.render([MetricFamily(.gauge, "apus_x", "X")]) == "")
    }
}
