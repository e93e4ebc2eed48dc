import Messaging

/// Metrics in Prometheus' text format, version 0.0.4.
///
///     # HELP apus_sessions Sessions, connected or not
///     # TYPE apus_sessions gauge
///     apus_sessions 3
package struct PrometheusText {
    /// Of the HTTP answer that carries it.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private var text = ""

    /// Families without samples are left out: a header alone tells nobody anything.
    package static func render(_ families: [MetricFamily]) -> String {
        var output = PrometheusText()
        for family in families where !family.samples.isEmpty { output.write(family) }
        return output.text
    }

    private mutating func write(_ family: MetricFamily) {
        text += "# HELP \(family.name) \(Self.escaped(family.help, quotes: false))\n"
        text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
        for sample in family.samples {
            switch sample.value {
            case .whole(let value): line(family.name, sample.labels, "\(value)")
            case .real(let value): line(family.name, sample.labels, Self.number(value))
            case .histogram(let reading): write(reading, family.name, sample.labels)
            }
        }
    }

    /// Buckets are cumulative in the text, and the last of them, `+Inf`, equals the count.
    private mutating func write(_ reading: HistogramReading, _ name: String, _ labels: [MetricFamily.Label]) {
        var cumulated: UInt64 = 0
        for (index, count) in reading.counts.enumerated() {
            cumulated += count
            let bound = index < reading.bounds.count ? Self.number(reading.bounds[index]) : "+Inf"
            line("\(name)_bucket", labels + [.init(name: "le", value: bound)], "\(cumulated)")
        }
        line("\(name)_sum", labels, Self.number(reading.sum))
        line("\(name)_count", labels, "\(cumulated)")
    }

    private mutating func line(_ name: String, _ labels: [MetricFamily.Label], _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{"
            text += labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }.joined(separator: ",")
            text += "}"
        }
        text += " \(value)\n"
    }

    /// As Go's `ParseFloat` reads it. Whole numbers without a fraction.
    static func number(_ value: Double) -> String {
        switch value {
        case .infinity: "+Inf"
        case -.infinity: "-Inf"
        case _ where value.isNaN: "NaN"
        case _ where value == value.rounded() && abs(value) < 1e15: "\(Int64(value))"
        default: "\(value)"
        }
    }

    /// Backslash and line feed, and in label values the quotation mark.
    static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
