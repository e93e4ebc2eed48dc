import Foundation
import LoadGenerator

/// Results as a person reads them.
enum ResultTable {
    static func text(_ rows: [RunResult]) -> String {
        let head = [
            "", "per second", "broker us each", "per core second", "memory each", "p50 us", "p90 us", "p99 us",
            "max us", "generator us",
        ]
        return TextTable([head] + rows.map(cells)).text + "\n" + rows.map(footnote).joined(separator: "\n")
    }

    private static func cells(_ row: RunResult) -> [String] {
        let latency = row.latency
        return [
            row.name, grouped(row.perSecond), number(row.brokerMicroseconds, 2),
            row.brokerMicroseconds.map { grouped(1e6 / max($0, 0.001)) } ?? "-", octets(row.octetsEach),
            number(latency?.p50, 0), number(latency?.p90, 0), number(latency?.p99, 0), number(latency?.maximum, 0),
            number(row.generatorMicroseconds, 2),
        ]
    }

    private static func footnote(_ row: RunResult) -> String {
        var words = [
            "\(row.name): \(row.protocolName), QoS \(row.qos), \(row.payloadOctets) octets, n = \(row.count)"
        ]
        if row.window > 0 { words.append("window \(row.window)") }
        words.append("\(row.operations) × \(row.unit) in \(number(row.seconds, 2)) s")
        if let of = row.latencyOf, row.latency != nil { words.append("latency of \(of)") }
        if let resident = row.brokerResidentOctets { words.append("broker resident \(resident / 1_024) KB") }
        if row.repeated > 0 { words.append("\(row.repeated) requests repeated") }
        words.append("\(row.lost) lost, \(row.doubled) doubled, \(row.outOfOrder) overtaken")
        return words.joined(separator: ", ")
    }

    private static func octets(_ value: Double?) -> String { value.map { "\(Int($0.rounded())) B" } ?? "-" }

    static func number(_ value: Double?, _ decimals: Int) -> String {
        value.map { String(format: "%.\(decimals)f", $0) } ?? "-"
    }

    private static func grouped(_ value: Double) -> String {
        let digits = String(Int(value.rounded()))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }
}

/// Columns as wide as their widest cell; the first is aligned to the left, the others to the right.
struct TextTable {
    let text: String

    init(_ rows: [[String]]) {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
        let lines = rows.map { row in
            row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : space + cell
            }.joined(separator: "  ")
        }
        text = lines.joined(separator: "\n")
    }
}
