/// One element of a TLV payload (LwM2M Core 1.1 7.4.4; content format 11542).
///
/// ```
///   7 6    5    4 3    2 1 0
/// +------+----+------+-------+----------------+--------------------+-------------
/// | kind | id | len  | count | identifier     | length             | value
/// |      | w. | form |       | 8 or 16 bits   | 0, 8, 16, 24 bits  | length bytes
/// +------+----+------+-------+----------------+--------------------+-------------
/// ```
/// `id w.` 0 = 8-bit, 1 = 16-bit identifier; `len form` 00 = the length is `count`, else 1, 2 or 3 length bytes follow
/// the identifier and `count` is ignored. All numbers are big-endian.
struct TLV: Equatable, Sendable {
    /// Bits 7-6.
    enum Kind: UInt8, Sendable {
        case objectInstance = 0, resourceInstance, multipleResource, resource
    }

    enum Content: Equatable, Sendable {
        case value(ArraySlice<UInt8>)
        case elements([TLV])
    }

    var kind: Kind
    var identifier: UInt16
    var content: Content

    /// Longest value the 24-bit length form can announce.
    static let maximumLength = 0xFF_FFFF

    static func value(_ kind: Kind, _ identifier: UInt16, _ bytes: some Sequence<UInt8>) -> TLV {
        TLV(kind: kind, identifier: identifier, content: .value(Array(bytes)[...]))
    }

    static func elements(_ kind: Kind, _ identifier: UInt16, _ elements: [TLV]) -> TLV {
        TLV(kind: kind, identifier: identifier, content: .elements(elements))
    }
}

// MARK: - Decoding

extension TLV {
    /// Reads a whole payload: any sequence of elements, nested as their kinds allow.
    static func decode(_ bytes: ArraySlice<UInt8>, limits: Limits = Limits()) throws(DecodeError) -> [TLV] {
        guard bytes.count <= limits.bodyBytes else { throw .limitExceeded }
        var budget = limits.entries
        return try decode(bytes, inside: nil, budget: &budget)
    }

    /// The kinds allowed inside `parent` make nesting end after three levels; no depth counter is needed.
    private static func decode(
        _ bytes: ArraySlice<UInt8>, inside parent: Kind?, budget: inout Int
    ) throws(DecodeError) -> [TLV] {
        var rest = bytes
        var elements: [TLV] = []
        while let type = rest.popFirst() {
            guard budget > 0 else { throw .limitExceeded }
            budget -= 1
            // Two bits have four values, and Kind names all four.
            guard let kind = Kind(rawValue: type >> 6), kind.mayStand(inside: parent) else { throw .misplacedElement }
            let identifier = try takeNumber(&rest, width: type & 0x20 == 0 ? 1 : 2)
            let form = Int(type >> 3 & 0x03)
            let length = form == 0 ? Int(type & 0x07) : try takeNumber(&rest, width: form)
            guard rest.count >= length else { throw .truncated }
            let value = rest.prefix(length)
            rest = rest.dropFirst(length)
            let content: Content =
                kind.isContainer ? .elements(try decode(value, inside: kind, budget: &budget)) : .value(value)
            elements.append(TLV(kind: kind, identifier: UInt16(identifier), content: content))
        }
        return elements
    }

    /// A big-endian number of 1 to 3 bytes.
    private static func takeNumber(_ bytes: inout ArraySlice<UInt8>, width: Int) throws(DecodeError) -> Int {
        guard bytes.count >= width else { throw .truncated }
        let number = bytes.prefix(width).reduce(0) { $0 << 8 | Int($1) }
        bytes = bytes.dropFirst(width)
        return number
    }
}

extension TLV.Kind {
    var isContainer: Bool { self == .objectInstance || self == .multipleResource }

    /// LwM2M Core 1.1 7.4.4: an instance holds resources, a multiple resource holds resource instances.
    fileprivate func mayStand(inside parent: TLV.Kind?) -> Bool {
        switch parent {
        case nil: true
        case .objectInstance: self == .resource || self == .multipleResource
        case .multipleResource: self == .resourceInstance
        case .resource, .resourceInstance: false
        }
    }
}

// MARK: - Encoding

extension TLV {
    static func encode(_ elements: [TLV]) throws(DecodeError) -> [UInt8] {
        var bytes: [UInt8] = []
        for element in elements { try element.encode(into: &bytes) }
        return bytes
    }

    /// Appends the canonical form: shortest identifier and length fields.
    func encode(into bytes: inout [UInt8]) throws(DecodeError) {
        let value: ArraySlice<UInt8>
        switch content {
        case .value(let slice): value = slice
        case .elements(let children): value = try TLV.encode(children)[...]
        }
        guard value.count <= Self.maximumLength else { throw .limitExceeded }
        let lengthBytes = value.count < 8 ? 0 : value.count <= 0xFF ? 1 : value.count <= 0xFFFF ? 2 : 3
        let wideIdentifier = identifier > 0xFF
        bytes.append(
            kind.rawValue << 6 | (wideIdentifier ? 0x20 : 0) | UInt8(lengthBytes) << 3
                | (lengthBytes == 0 ? UInt8(value.count) : 0))
        if wideIdentifier { bytes.append(UInt8(identifier >> 8)) }
        bytes.append(UInt8(truncatingIfNeeded: identifier))
        for shift in stride(from: (lengthBytes - 1) * 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value.count >> shift))
        }
        bytes.append(contentsOf: value)
    }
}
