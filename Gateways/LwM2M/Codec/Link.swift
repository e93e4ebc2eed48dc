/// One link of a CoRE link list (RFC 6690): `</3/0>;ver="1.1";dim=2`.
struct Link: Equatable, Sendable {
    struct Attribute: Equatable, Sendable {
        var name: String
        /// nil for a bare attribute such as `obs`. Quotes and escapes are removed.
        var value: String?
    }

    var target: String
    var attributes: [Attribute] = []

    /// The value of the first attribute of this name (RFC 6690 2: later duplicates are ignored).
    subscript(name: String) -> String? { attributes.first { $0.name == name }?.value }
}

// MARK: - Reading

extension Link {
    /// Reads `<target>;name=value;name="value",<target>…`; an empty body is an empty list.
    static func decodeList(_ bytes: ArraySlice<UInt8>, limits: Limits = Limits()) throws(DecodeError) -> [Link] {
        guard bytes.count <= limits.bodyBytes else { throw .limitExceeded }
        var parser = LinkParser(bytes, limits: limits)
        return try parser.list()
    }
}

/// A cursor over the bytes of a link list.
private struct LinkParser {
    private let bytes: ArraySlice<UInt8>
    private let limits: Limits
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>, limits: Limits) {
        self.bytes = bytes
        self.limits = limits
        position = bytes.startIndex
    }

    mutating func list() throws(DecodeError) -> [Link] {
        var links: [Link] = []
        skipSpace()
        while position < bytes.endIndex {
            guard links.count < limits.links else { throw .limitExceeded }
            links.append(try link())
            skipSpace()
            guard position < bytes.endIndex else { break }
            try expect(",")
            skipSpace()
            // A comma promises another link.
            guard position < bytes.endIndex else { throw .truncated }
        }
        return links
    }

    private mutating func link() throws(DecodeError) -> Link {
        try expect("<")
        var link = Link(target: try text(upTo: ">"))
        try expect(">")
        while peek == UInt8(ascii: ";") {
            position += 1
            guard link.attributes.count < limits.attributesPerLink else { throw .limitExceeded }
            link.attributes.append(try attribute())
        }
        return link
    }

    private mutating func attribute() throws(DecodeError) -> Link.Attribute {
        let name = try token()
        guard peek == UInt8(ascii: "=") else { return Link.Attribute(name: name) }
        position += 1
        return Link.Attribute(name: name, value: peek == UInt8(ascii: "\"") ? try quoted() : try token())
    }

    /// A name or an unquoted value: everything up to a delimiter, at least one byte.
    private mutating func token() throws(DecodeError) -> String {
        let start = position
        while let byte = peek, byte > 0x20, byte != 0x7F, !#",;="<>\#u{5C}"#.utf8.contains(byte) { position += 1 }
        guard position > start else { throw position < bytes.endIndex ? syntaxError : .truncated }
        return try ResourceValue.text(bytes[start..<position])
    }

    private mutating func quoted() throws(DecodeError) -> String {
        position += 1
        var content: [UInt8] = []
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                return try ResourceValue.text(content[...])
            case UInt8(ascii: "\\"):
                guard let escaped = peek else { throw .truncated }
                position += 1
                content.append(escaped)
            default:
                content.append(byte)
            }
        }
        throw .truncated
    }

    private mutating func text(upTo end: Unicode.Scalar) throws(DecodeError) -> String {
        guard let stop = bytes[position...].firstIndex(of: UInt8(ascii: end)) else { throw .truncated }
        defer { position = stop }
        return try ResourceValue.text(bytes[position..<stop])
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(DecodeError) {
        guard let byte = peek else { throw .truncated }
        guard byte == UInt8(ascii: character) else { throw syntaxError }
        position += 1
    }

    /// Some devices put a space or a line break after the comma, which the grammar does not know.
    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || (0x09...0x0D).contains(byte) { position += 1 }
    }

    private var peek: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    private var syntaxError: DecodeError { .syntax(offset: position - bytes.startIndex) }
}

// MARK: - Writing

extension Link: CustomStringConvertible {
    static func encodeList(_ links: [Link]) -> [UInt8] {
        Array(links.map(\.description).joined(separator: ",").utf8)
    }

    var description: String { "<\(target)>" + attributes.map { ";\($0)" }.joined() }
}

extension Link.Attribute: CustomStringConvertible {
    var description: String {
        guard let value else { return name }
        let bare =
            !value.isEmpty
            && value.utf8.allSatisfy { byte in
                byte > 0x20 && byte < 0x7F && !#",;="<>\#u{5C}"#.utf8.contains(byte)
            }
        guard !bare else { return "\(name)=\(value)" }
        let escaped = value.reduce(into: "") { text, character in
            if character == "\"" || character == "\\" { text.append("\\") }
            text.append(character)
        }
        return "\(name)=\"\(escaped)\""
    }
}
