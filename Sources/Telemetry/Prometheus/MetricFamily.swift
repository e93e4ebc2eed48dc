package import Messaging

/// One metric with all its samples: what a `# TYPE` line and the lines under it hold.
package struct MetricFamily: Sendable, Equatable {
    /// What the values mean to a reader of the text.
    package enum Kind: String, Sendable {
        /// Only grows while the process lives. The name ends in `_total`.
        case counter
        /// Goes up and down.
        case gauge
        case histogram
    }

    package struct Label: Sendable, Equatable {
        /// `[a-zA-Z_][a-zA-Z0-9_]*`, not beginning with two underscores.
        package let name: String
        package let value: String
    }

    package struct Sample: Sendable, Equatable {
        package enum Value: Sendable, Equatable {
            case whole(UInt64)
            case real(Double)
            case histogram(HistogramReading)
        }

        package let labels: [Label]
        package let value: Value
    }

    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`; seconds and bytes as base units, at the end of the name.
    package let name: String
    package let kind: Kind
    /// One sentence without a full stop.
    package let help: String
    package private(set) var samples: [Sample] = []

    /// - Parameters:
    ///   - name: without the product's prefix unless it is one that every process has.
    package init(_ kind: Kind, _ name: String, _ help: String) {
        precondition(kind != .counter || name.hasSuffix("_total"), "a counter's name ends in _total: \(name)")
        self.kind = kind
        self.name = name
        self.help = help
    }

    package mutating func add(_ value: UInt64, _ labels: KeyValuePairs<String, String> = [:]) {
        add(.whole(value), labels)
    }

    package mutating func add(_ value: Int, _ labels: KeyValuePairs<String, String> = [:]) {
        add(.whole(UInt64(max(0, value))), labels)
    }

    package mutating func add(_ value: Double, _ labels: KeyValuePairs<String, String> = [:]) {
        add(.real(value), labels)
    }

    package mutating func add(_ value: HistogramReading, _ labels: KeyValuePairs<String, String> = [:]) {
        precondition(kind == .histogram, "\(name) is no histogram")
        add(.histogram(value), labels)
    }

    private mutating func add(_ value: Sample.Value, _ labels: KeyValuePairs<String, String>) {
        samples.append(Sample(labels: labels.map { Label(name: $0.key, value: $0.value) }, value: value))
    }
}

extension MetricFamily {
    /// A family with one sample and no labels.
    package static func counter(_ name: String, _ help: String, _ value: UInt64) -> MetricFamily {
        var family = MetricFamily(.counter, name, help)
        family.add(value)
        return family
    }

    package static func gauge(_ name: String, _ help: String, _ value: Int) -> MetricFamily {
        var family = MetricFamily(.gauge, name, help)
        family.add(value)
        return family
    }
}
