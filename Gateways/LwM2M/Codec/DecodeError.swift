/// Why bytes or text of a device, or a command's JSON, could not be read.
enum DecodeError: Error, Equatable, Sendable {
    /// The input ends inside an element.
    case truncated
    /// The input is longer, deeper or more numerous than `Limits` allows.
    case limitExceeded
    /// A TLV element stands where its kind is not allowed.
    case misplacedElement
    /// A value has a width its type cannot have (an integer of 3 bytes, a boolean of 2).
    case invalidLength(type: DataType, count: Int)
    /// A value's bytes or digits do not spell a value of its type.
    case invalidValue(type: DataType)
    /// Text that should be UTF-8 is not.
    case invalidUTF8
    /// A link list, path or JSON text breaks its grammar at this byte.
    case syntax(offset: Int)
    /// The payload is in a format this gateway does not read.
    case unsupportedFormat
}

extension DecodeError: CustomStringConvertible {
    var description: String {
        switch self {
        case .truncated: "the data ends inside an element"
        case .limitExceeded: "the data exceeds a limit"
        case .misplacedElement: "a TLV element stands where its kind is not allowed"
        case .invalidLength(let type, let count): "\(count) bytes cannot be a value of type \(type)"
        case .invalidValue(let type): "not a value of type \(type)"
        case .invalidUTF8: "not UTF-8"
        case .syntax(let offset): "syntax error at byte \(offset)"
        case .unsupportedFormat: "unsupported content format"
        }
    }
}
