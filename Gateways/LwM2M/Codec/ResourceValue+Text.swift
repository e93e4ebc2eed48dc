/// The text form of one value (LwM2M Core 1.1 Appendix C, column "Text format"; content format 0).
extension ResourceValue {
    init(text bytes: ArraySlice<UInt8>, type: DataType) throws(DecodeError) {
        let text = try Self.text(bytes)
        guard let value = Self.parse(text, type) else { throw .invalidValue(type: type) }
        self = value
    }

    var text: String {
        switch self {
        case .string(let text), .coreLink(let text): text
        case .integer(let number), .time(let number): String(number)
        case .unsigned(let number): String(number)
        case .float(let number): number.description
        case .boolean(let flag): flag ? "1" : "0"
        case .opaque(let bytes): Base64.encode(bytes)
        case .objectLink(let link): link.description
        }
    }

    private static func parse(_ text: String, _ type: DataType) -> ResourceValue? {
        switch type {
        case .string: .string(text)
        case .coreLink: .coreLink(text)
        case .integer: Int64(text).map { .integer($0) }
        case .time: Int64(text).map { .time($0) }
        case .unsigned: UInt64(text).map { .unsigned($0) }
        case .float: real(text).map { .float($0) }
        case .boolean: text == "1" ? .boolean(true) : text == "0" ? .boolean(false) : nil
        case .opaque: Base64.decode(text.utf8).map { .opaque($0) }
        case .objectLink: ObjectLink(text: text).map { .objectLink($0) }
        case .none: nil
        }
    }

    /// Decimal digits, point and exponent; the hexadecimal and named forms Swift also reads are not LwM2M.
    private static func real(_ text: String) -> Double? {
        guard text.utf8.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || "+-.eE".utf8.contains($0) }) else { return nil }
        return Double(text)
    }
}

extension ObjectLink {
    /// Reads `object:instance`.
    init?(text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let object = UInt16(parts[0]), let instance = UInt16(parts[1]) else { return nil }
        self.init(object: object, instance: instance)
    }
}
