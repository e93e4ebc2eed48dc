/// The comparison as a person reads it.
enum ComparisonTable {
    static func text(_ rows: [ComparedRow]) -> String {
        let head = [
            "", "Mosquitto", "floor", "Apus", "", "ratio", "budget", "x floor", "budget", "holds",
            "lost/doubled/overtaken",
        ]
        return TextTable([head] + rows.map(cells)).text
    }

    private static func cells(_ row: ComparedRow) -> [String] {
        [
            row.name, figure(row.mosquitto), figure(row.floor), figure(row.apus), row.unit,
            ResultTable.number(row.ratio, 3), row.budget, ResultTable.number(row.timesFloor, 1),
            row.budgetTimesFloor.map { "≤ \(ResultTable.number($0, 1))" } ?? "-",
            row.holds.map { $0 ? "yes" : "NO" } ?? "-", row.apusFaults?.text ?? "-",
        ]
    }

    /// Three digits or more that count.
    private static func figure(_ value: Double?) -> String {
        ResultTable.number(value, value.map { $0 < 1 ? 3 : $0 < 100 ? 2 : 0 } ?? 0)
    }
}
