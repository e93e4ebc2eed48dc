/// The value bytes inside a TLV element (LwM2M Core 1.1 Appendix C, column "TLV format").
extension ResourceValue {
    init(binary bytes: ArraySlice<UInt8>, type: DataType) throws(DecodeError) {
        switch type {
        case .string: self = .string(try Self.text(bytes))
        case .coreLink: self = .coreLink(try Self.text(bytes))
        case .integer: self = .integer(try Self.signed(bytes, type))
        case .time: self = .time(try Self.signed(bytes, type))
        case .unsigned: self = .unsigned(try Self.magnitude(bytes, type))
        case .float: self = .float(try Self.real(bytes))
        case .boolean: self = .boolean(try Self.truth(bytes))
        case .opaque: self = .opaque(Array(bytes))
        case .objectLink: self = .objectLink(try Self.link(bytes))
        case .none: throw .invalidValue(type: type)
        }
    }

    /// The canonical bytes: integers in the narrowest of the four legal widths, floats in 4 bytes when that loses nothing.
    var binary: [UInt8] {
        switch self {
        case .string(let text), .coreLink(let text): Array(text.utf8)
        case .integer(let number), .time(let number): Self.bytes(of: number)
        case .unsigned(let number): Self.bytes(of: number)
        case .float(let number): Self.bytes(of: number)
        case .boolean(let flag): [flag ? 1 : 0]
        case .opaque(let bytes): bytes
        case .objectLink(let link): Self.bigEndian(link.object) + Self.bigEndian(link.instance)
        }
    }

    /// Strict UTF-8.
    static func text(_ bytes: ArraySlice<UInt8>) throws(DecodeError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalidUTF8 }
        return text
    }

    /// Integers are 1, 2, 4 or 8 bytes wide; 3 bytes, as some servers send, are not a value.
    private static func magnitude(_ bytes: ArraySlice<UInt8>, _ type: DataType) throws(DecodeError) -> UInt64 {
        guard [1, 2, 4, 8].contains(bytes.count) else { throw .invalidLength(type: type, count: bytes.count) }
        return bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func signed(_ bytes: ArraySlice<UInt8>, _ type: DataType) throws(DecodeError) -> Int64 {
        let pattern = try magnitude(bytes, type)
        let unused = Int64(64 - bytes.count * 8)
        // Shift up and arithmetically down again: extends the sign of the two's complement.
        return Int64(bitPattern: pattern << UInt64(unused)) >> unused
    }

    private static func real(_ bytes: ArraySlice<UInt8>) throws(DecodeError) -> Double {
        switch bytes.count {
        case 4: Double(Float(bitPattern: UInt32(truncatingIfNeeded: try magnitude(bytes, .float))))
        case 8: Double(bitPattern: try magnitude(bytes, .float))
        default: throw .invalidLength(type: .float, count: bytes.count)
        }
    }

    private static func truth(_ bytes: ArraySlice<UInt8>) throws(DecodeError) -> Bool {
        guard bytes.count == 1, let byte = bytes.first else { throw .invalidLength(type: .boolean, count: bytes.count) }
        guard byte <= 1 else { throw .invalidValue(type: .boolean) }
        return byte == 1
    }

    private static func link(_ bytes: ArraySlice<UInt8>) throws(DecodeError) -> ObjectLink {
        guard bytes.count == 4 else { throw .invalidLength(type: .objectLink, count: bytes.count) }
        let both = try magnitude(bytes, .objectLink)
        return ObjectLink(
            object: UInt16(truncatingIfNeeded: both >> 16), instance: UInt16(truncatingIfNeeded: both))
    }

    private static func bytes(of number: Int64) -> [UInt8] {
        if let narrow = Int8(exactly: number) { return bigEndian(narrow) }
        if let narrow = Int16(exactly: number) { return bigEndian(narrow) }
        if let narrow = Int32(exactly: number) { return bigEndian(narrow) }
        return bigEndian(number)
    }

    private static func bytes(of number: UInt64) -> [UInt8] {
        if let narrow = UInt8(exactly: number) { return bigEndian(narrow) }
        if let narrow = UInt16(exactly: number) { return bigEndian(narrow) }
        if let narrow = UInt32(exactly: number) { return bigEndian(narrow) }
        return bigEndian(number)
    }

    private static func bytes(of number: Double) -> [UInt8] {
        let narrow = Float(number)
        return Double(narrow) == number ? bigEndian(narrow.bitPattern) : bigEndian(number.bitPattern)
    }

    private static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}
