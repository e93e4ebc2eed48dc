/// A JSON text (RFC 8259) as a value: commands come in as one, values and reports go out as one.
///
/// Own code instead of Foundation's because 64-bit integers must survive exactly, objects must keep their order and
/// the nesting of what a publisher sends must be bounded.
enum JSON: Equatable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    /// Integers above `Int64.max`.
    case unsigned(UInt64)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([Member])

    struct Member: Equatable, Sendable {
        var name: String
        var value: JSON
    }

    /// The member of this name, when this is an object that has it.
    subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// An object without the members whose value is nil.
    static func object(_ members: KeyValuePairs<String, JSON?>) -> JSON {
        .object(members.compactMap { name, value in value.map { Member(name: name, value: $0) } })
    }
}

// MARK: - Writing

extension JSON: CustomStringConvertible {
    var description: String { String(decoding: encoded, as: UTF8.self) }

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }

    private func encode(into bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .boolean(let flag): bytes += (flag ? "true" : "false").utf8
        case .integer(let number): bytes += String(number).utf8
        case .unsigned(let number): bytes += String(number).utf8
        // JSON has no infinities; a string keeps the reading visible where a null would hide it.
        case .number(let number): bytes += (number.isFinite ? number.description : "\"\(number)\"").utf8
        case .string(let text): Self.encode(text, into: &bytes)
        case .array(let elements):
            Self.encode(elements, "[", "]", into: &bytes) { $0.encode(into: &$1) }
        case .object(let members):
            Self.encode(members, "{", "}", into: &bytes) { member, bytes in
                Self.encode(member.name, into: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.encode(into: &bytes)
            }
        }
    }

    private static func encode<Element>(
        _ elements: [Element], _ opening: Unicode.Scalar, _ closing: Unicode.Scalar, into bytes: inout [UInt8],
        _ write: (Element, inout [UInt8]) -> Void
    ) {
        bytes.append(UInt8(ascii: opening))
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            write(element, &bytes)
        }
        bytes.append(UInt8(ascii: closing))
    }

    private static func encode(_ text: String, into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            // RFC 8259 7: control characters must be escaped.
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                bytes += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
