/// The JSON scalar of a value: what a resource's topic holds, and what a command brings.
extension ResourceValue {
    /// Numbers, booleans and strings as themselves; opaque as base64 (RFC 4648 4); an object link as `"object:instance"`.
    var json: JSON {
        switch self {
        case .string(let text), .coreLink(let text): .string(text)
        case .integer(let number), .time(let number): .integer(number)
        case .unsigned(let number): Int64(exactly: number).map { .integer($0) } ?? .unsigned(number)
        case .float(let number): .number(number)
        case .boolean(let flag): .boolean(flag)
        case .opaque(let bytes): .string(Base64.encode(bytes))
        case .objectLink(let link): .string(link.description)
        }
    }

    /// A value of `type`; nothing is converted that could change its meaning (no `"1"` for 1, no 1 for true).
    init(json: JSON, type: DataType) throws(DecodeError) {
        guard let value = Self.parse(json, type) else { throw .invalidValue(type: type) }
        self = value
    }

    /// A value whose type the JSON itself suggests: for objects the model does not know. nil for null, arrays, objects.
    init?(guessing json: JSON) {
        switch json {
        case .string(let text): self = .string(text)
        case .integer(let number): self = .integer(number)
        case .unsigned(let number): self = .unsigned(number)
        case .number(let number): self = .float(number)
        case .boolean(let flag): self = .boolean(flag)
        case .null, .array, .object: return nil
        }
    }

    private static func parse(_ json: JSON, _ type: DataType) -> ResourceValue? {
        switch (type, json) {
        case (.string, .string(let text)): .string(text)
        case (.coreLink, .string(let text)): .coreLink(text)
        case (.integer, .integer(let number)): .integer(number)
        case (.time, .integer(let number)): .time(number)
        case (.unsigned, .unsigned(let number)): .unsigned(number)
        case (.unsigned, .integer(let number)): UInt64(exactly: number).map { .unsigned($0) }
        case (.float, .number(let number)): .float(number)
        case (.float, .integer(let number)): .float(Double(number))
        case (.float, .unsigned(let number)): .float(Double(number))
        case (.boolean, .boolean(let flag)): .boolean(flag)
        case (.opaque, .string(let text)): Base64.decode(text.utf8).map { .opaque($0) }
        case (.objectLink, .string(let text)): ObjectLink(text: text).map { .objectLink($0) }
        default: nil
        }
    }
}
