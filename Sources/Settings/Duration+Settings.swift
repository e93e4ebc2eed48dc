extension Duration {
    private static let units: [(suffix: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// Reads `500ms`, `30s`, `5m`, `2h`, `7d` or `0`; a number without unit is refused because its unit would be a guess.
    package init(setting text: String) throws(InvalidSetting) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let suffix = text.dropFirst(digits.count)
        guard let count = Int64(digits) else { throw Self.invalid }
        if count == 0, suffix.isEmpty {
            self = .zero
            return
        }
        guard let unit = Self.units.first(where: { $0.suffix == suffix }) else { throw Self.invalid }
        let (milliseconds, overflow) = count.multipliedReportingOverflow(by: unit.milliseconds)
        guard !overflow else { throw Self.invalid }
        self = .milliseconds(milliseconds)
    }

    private static var invalid: InvalidSetting {
        InvalidSetting(expected: "a duration such as 500ms, 30s, 5m, 2h or 7d")
    }
}
