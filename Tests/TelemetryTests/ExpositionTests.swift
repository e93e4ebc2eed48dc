import TestKit
import Testing

/// The reader that the other tests trust is strict.
@Suite struct ExpositionTests {
    @Test(arguments: [
        ("# HELP a A\n# TYPE a gauge\na 1", "does not end"), ("# TYPE a gauge\na 1\n", "no help before"),
        ("# HELP a A\n# TYPE a counter\na 1\n", "_total is for counters"),
        ("# HELP a_total A\n# TYPE a_total gauge\na_total 1\n", "_total is for counters"),
        ("# HELP a A\n# TYPE a gauge\nb 1\n", "outside its family"),
        ("# HELP a A\n# TYPE a gauge\na 1\na 1\n", "a sample twice"),
        ("# HELP a A\n# TYPE a gauge\na{1x=\"\"} 1\n", "no label name"),
        ("# HELP a A\n# TYPE a gauge\na{x=\"\\q\"} 1\n", "no such escape"),
        ("# HELP a A\n# TYPE a gauge\na{x=\"\"\n", "labels do not end"),
        ("# HELP a A\n# TYPE a gauge\na one\n", "no value"),
        ("# HELP a A\n# TYPE a gauge\na{le=\"1\"} 1\n", "le is for histograms"),
        ("# HELP a A\n# TYPE a timer\na 1\n", "no type"),
        (
            "# HELP a A\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
            "buckets descend"
        ),
        ("# HELP a A\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n", "no bucket for all"),
        ("# HELP a A\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n", "its count is another"),
    ])
    func whatIsWrongIsNamed(text: String, problem: String) {
        let error = #expect(throws: Exposition.Problem.self) { try Exposition(text) }
        #expect(error?.description.contains(problem) == true, "\(String(describing: error))")
    }
}
