/// A number of bytes, written `512`, `64KB`, `1MB` or `2GB`; the units are powers of 1024.
package struct ByteSize: Sendable, Hashable {
    package var bytes: Int

    package init(bytes: Int) {
        self.bytes = bytes
    }

    private static let units: [(suffix: String, bytes: Int)] = [
        ("", 1), ("B", 1), ("KB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30),
    ]

    package init(setting text: String) throws(InvalidSetting) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let suffix = text.dropFirst(digits.count).uppercased()
        guard let count = Int(digits), let unit = Self.units.first(where: { $0.suffix == suffix }) else {
            throw Self.invalid
        }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: unit.bytes)
        guard !overflow else { throw Self.invalid }
        self.init(bytes: bytes)
    }

    private static var invalid: InvalidSetting {
        InvalidSetting(expected: "a size such as 512, 64KB, 1MB or 2GB")
    }
}

extension ByteSize: Decodable {
    package init(from decoder: any Decoder) throws {
        try self.init(setting: decoder.singleValueContainer().decode(String.self))
    }
}
