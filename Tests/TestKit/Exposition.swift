/// A strict reader of Prometheus' text format, version 0.0.4: what it does not like, a scraper or promtool might not either.
///
/// Beyond the grammar it asks for `# HELP` and `# TYPE` before the samples of every family, families in one piece, no sample
/// twice, counters that end in `_total` and nothing else that does, and histograms whose buckets ascend and agree with their
/// count.
package struct Exposition: Sendable {
    package struct Sample: Sendable, Hashable {
        package let name: String
        package let labels: [String: String]
    }

    package struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
        /// From 1; 0 for the text as a whole.
        package let line: Int
        package let description: String
    }

    /// Type by family.
    package private(set) var types: [String: String] = [:]
    package private(set) var values: [Sample: Double] = [:]
    private var helps: Set<String> = []
    private var current: String?

    package init(_ text: String) throws(Problem) {
        guard text.hasSuffix("\n") else { throw Problem(line: 0, description: "the last line does not end") }
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().enumerated() {
            do throws(Complaint) {
                try read(line)
            } catch {
                throw Problem(line: index + 1, description: "\(error.words): \(line)")
            }
        }
        for (family, type) in types where type == "histogram" {
            guard let words = complaint(aboutHistogram: family) else { continue }
            throw Problem(line: 0, description: "\(family): \(words)")
        }
    }

    /// The value of one sample; nil when there is none.
    package subscript(name: String, labels: [String: String]) -> Double? { values[Sample(name: name, labels: labels)] }
    package subscript(name: String) -> Double? { self[name, [:]] }

    /// The sum of a metric's samples that have all of `labels`.
    package func sum(_ name: String, _ labels: [String: String] = [:]) -> Double {
        values.filter { sample, _ in
            sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }.values.reduce(0, +)
    }

    private struct Complaint: Error { let words: String }

    private mutating func read(_ line: Substring) throws(Complaint) {
        if line.hasPrefix("# HELP ") { return try readHelp(line.dropFirst(7)) }
        if line.hasPrefix("# TYPE ") { return try readType(line.dropFirst(7)) }
        guard !line.hasPrefix("#") else { throw Complaint(words: "a comment nobody needs") }
        try readSample(line)
    }

    private mutating func readHelp(_ text: Substring) throws(Complaint) {
        guard let space = text.firstIndex(of: " ") else { throw Complaint(words: "no help") }
        let name = String(text[..<space])
        guard Self.isName(name) else { throw Complaint(words: "no metric name") }
        guard helps.insert(name).inserted else { throw Complaint(words: "helped twice") }
    }

    private mutating func readType(_ text: Substring) throws(Complaint) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 2, ["counter", "gauge", "histogram"].contains(words[1]) else {
            throw Complaint(words: "no type")
        }
        guard helps.contains(words[0]) else { throw Complaint(words: "no help before") }
        guard types.updateValue(words[1], forKey: words[0]) == nil else { throw Complaint(words: "typed twice") }
        guard words[0].hasSuffix("_total") == (words[1] == "counter") else {
            throw Complaint(words: "_total is for counters")
        }
        current = words[0]
    }

    private mutating func readSample(_ line: Substring) throws(Complaint) {
        let end = line.firstIndex { $0 == "{" || $0 == " " } ?? line.endIndex
        let name = String(line[..<end])
        guard Self.isName(name) else { throw Complaint(words: "no metric name") }
        guard let current, Self.family(name, types[current] ?? "") == current else {
            throw Complaint(words: "outside its family")
        }
        var rest = line[end...]
        let labels = rest.hasPrefix("{") ? try readLabels(&rest) : [:]
        guard rest.hasPrefix(" "), let value = Self.number(rest.dropFirst()) else { throw Complaint(words: "no value") }
        guard types[current] != "counter" || value >= 0 else { throw Complaint(words: "a counter below 0") }
        guard types[current] == "histogram" || labels["le"] == nil else {
            throw Complaint(words: "le is for histograms")
        }
        guard values.updateValue(value, forKey: Sample(name: name, labels: labels)) == nil else {
            throw Complaint(words: "a sample twice")
        }
    }

    private func readLabels(_ rest: inout Substring) throws(Complaint) -> [String: String] {
        var labels: [String: String] = [:]
        repeat {
            rest.removeFirst()
            guard let equals = rest.firstIndex(of: "=") else { throw Complaint(words: "no label") }
            let name = String(rest[..<equals])
            guard Self.isLabelName(name) else { throw Complaint(words: "no label name") }
            rest = rest[equals...].dropFirst()
            let value = try readValue(&rest)
            guard labels.updateValue(value, forKey: name) == nil else { throw Complaint(words: "a label twice") }
        } while rest.hasPrefix(",")
        guard rest.hasPrefix("}") else { throw Complaint(words: "labels do not end") }
        rest.removeFirst()
        return labels
    }

    private func readValue(_ rest: inout Substring) throws(Complaint) -> String {
        guard rest.popFirst() == "\"" else { throw Complaint(words: "no label value") }
        var value = ""
        while let character = rest.popFirst() {
            switch character {
            case "\"": return value
            case "\\":
                guard let escaped = rest.popFirst(), let meant = ["\\": "\\", "\"": "\"", "n": "\n"][escaped] else {
                    throw Complaint(words: "no such escape")
                }
                value += meant
            default: value.append(character)
            }
        }
        throw Complaint(words: "a label value does not end")
    }

    /// The family a sample's name belongs to.
    private static func family(_ name: String, _ type: String) -> String {
        guard type == "histogram" else { return name }
        for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
            return String(name.dropLast(suffix.count))
        }
        return name
    }

    private static func isName(_ text: String) -> Bool {
        isLabelName(text.replacing(":", with: "_"))
    }

    private static func isLabelName(_ text: String) -> Bool {
        guard let first = text.first, first == "_" || first.isASCII && first.isLetter, !text.hasPrefix("__") else {
            return false
        }
        return text.allSatisfy { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }
    }

    private static func number(_ text: Substring) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        case "NaN": .nan
        default: text.allSatisfy { $0.isNumber || "+-.eE".contains($0) } ? Double(text) : nil
        }
    }

    private func complaint(aboutHistogram family: String) -> String? {
        let buckets = values.filter { $0.key.name == "\(family)_bucket" }
        let series = Dictionary(grouping: buckets) { $0.key.labels.filter { $0.key != "le" } }
        guard !series.isEmpty else { return "no buckets" }
        for (labels, buckets) in series {
            let steps = buckets.map { (bound: Self.number($0.key.labels["le", default: ""][...]), count: $0.value) }
            guard steps.allSatisfy({ $0.bound != nil }) else { return "a bucket without bound" }
            let sorted = steps.sorted { ($0.bound ?? 0) < ($1.bound ?? 0) }
            guard sorted.last?.bound == .infinity else { return "no bucket for all" }
            guard !zip(sorted, sorted.dropFirst()).contains(where: { $0.count > $1.count }) else {
                return "buckets descend"
            }
            guard self["\(family)_count", labels] == sorted.last?.count else { return "its count is another" }
            guard self["\(family)_sum", labels] != nil else { return "no sum" }
        }
        return nil
    }
}
