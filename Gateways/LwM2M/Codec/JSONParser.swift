extension JSON {
    /// Reads one JSON text; anything but white space after it is an error, and so are two members of one name.
    static func decode(_ bytes: ArraySlice<UInt8>, limits: Limits = Limits()) throws(DecodeError) -> JSON {
        guard bytes.count <= limits.bodyBytes else { throw .limitExceeded }
        var parser = JSONParser(bytes: bytes)
        let value = try parser.value(depth: limits.jsonDepth)
        try parser.end()
        return value
    }
}

/// A cursor over the bytes of a JSON text.
private struct JSONParser {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    mutating func end() throws(DecodeError) {
        skipSpace()
        guard position == bytes.endIndex else { throw syntaxError }
    }

    mutating func value(depth: Int) throws(DecodeError) -> JSON {
        guard depth > 0 else { throw .limitExceeded }
        skipSpace()
        switch peek {
        case nil: throw .truncated
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .boolean(true))
        case UInt8(ascii: "f"): return try literal("false", .boolean(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws(DecodeError) -> JSON {
        var members: [JSON.Member] = []
        var names: Set<String> = []
        position += 1
        skipSpace()
        guard !take("}") else { return .object([]) }
        repeat {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw peek == nil ? .truncated : syntaxError }
            let name = try string()
            // RFC 8259 4: names should be unique; of a command with two readings we take none.
            guard names.insert(name).inserted else { throw syntaxError }
            skipSpace()
            try expect(":")
            members.append(JSON.Member(name: name, value: try value(depth: depth - 1)))
            skipSpace()
        } while take(",")
        try expect("}")
        return .object(members)
    }

    private mutating func array(depth: Int) throws(DecodeError) -> JSON {
        var elements: [JSON] = []
        position += 1
        skipSpace()
        guard !take("]") else { return .array([]) }
        repeat {
            elements.append(try value(depth: depth - 1))
            skipSpace()
        } while take(",")
        try expect("]")
        return .array(elements)
    }

    private mutating func literal(_ word: StaticString, _ value: JSON) throws(DecodeError) -> JSON {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.endIndex else { throw .truncated }
        guard word.withUTF8Buffer({ bytes[position..<end].elementsEqual($0) }) else { throw syntaxError }
        position = end
        return value
    }

    /// RFC 8259 6: `-` digits, fraction, exponent; no leading zeros, no leading plus.
    private mutating func number() throws(DecodeError) -> JSON {
        let start = position
        _ = take("-")
        let leading = peek
        let whole = skipDigits()
        guard whole > 0, whole == 1 || leading != UInt8(ascii: "0") else { throw syntaxError }
        var isWhole = true
        if take(".") {
            isWhole = false
            guard skipDigits() > 0 else { throw syntaxError }
        }
        if take("e") || take("E") {
            isWhole = false
            if !take("+") { _ = take("-") }
            guard skipDigits() > 0 else { throw syntaxError }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let integer = Int64(text) { return .integer(integer) }
        if isWhole, let unsigned = UInt64(text) { return .unsigned(unsigned) }
        guard let real = Double(text), real.isFinite else { throw syntaxError }
        return .number(real)
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while let byte = peek, (0x30...0x39).contains(byte) { position += 1 }
        return position - start
    }

    private mutating func string() throws(DecodeError) -> String {
        position += 1
        var content: [UInt8] = []
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try ResourceValue.text(content[...])
            case UInt8(ascii: "\\"): try escape(into: &content)
            case 0..<0x20: throw syntaxError
            default: content.append(byte)
            }
        }
        throw .truncated
    }

    private mutating func escape(into content: inout [UInt8]) throws(DecodeError) {
        guard let byte = peek else { throw .truncated }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"): content += String(Character(try escapedScalar())).utf8
        default: throw syntaxError
        }
    }

    /// `\uXXXX`, or a surrogate pair of two of them (RFC 8259 7).
    private mutating func escapedScalar() throws(DecodeError) -> Unicode.Scalar {
        let first = try hexadecimal()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard 0xD800...0xDBFF ~= first, take("\\"), take("u") else { throw syntaxError }
        let second = try hexadecimal()
        guard 0xDC00...0xDFFF ~= second,
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw syntaxError }
        return scalar
    }

    private mutating func hexadecimal() throws(DecodeError) -> UInt32 {
        guard bytes.endIndex - position >= 4 else { throw .truncated }
        let digits = bytes[position..<position + 4]
        // The digit test keeps out the sign that UInt32 would read.
        guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let number = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw syntaxError }
        position += 4
        return number
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(DecodeError) {
        guard take(character) else { throw peek == nil ? .truncated : syntaxError }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    private var peek: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    private var syntaxError: DecodeError { .syntax(offset: position - bytes.startIndex) }
}
