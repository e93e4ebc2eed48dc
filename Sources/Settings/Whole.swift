/// A whole number whose range is part of its type, so that the range is stated once, where the setting is declared.
package struct Whole<let lowest: Int, let highest: Int>: Sendable, Hashable {
    package var value: Int

    package init(setting value: Int) throws(InvalidSetting) {
        guard value >= lowest, value <= highest else {
            throw InvalidSetting(expected: "a whole number from \(lowest) to \(highest)")
        }
        self.value = value
    }
}

extension Whole: Decodable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let value = Int(text) else {
            throw InvalidSetting(expected: "a whole number from \(lowest) to \(highest)")
        }
        try self.init(setting: value)
    }
}
