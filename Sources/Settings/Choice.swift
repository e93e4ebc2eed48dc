/// A setting that is one word out of a few: an enum of strings whose words the error message lists.
package protocol Choice: CaseIterable, RawRepresentable, Decodable, Sendable where RawValue == String {}

extension Choice {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let value = Self(rawValue: text) else {
            throw InvalidSetting(expected: "one of \(Self.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self = value
    }
}
