import NIOCore

/// Reads the fields of one packet from exactly its bytes: nothing can be read beyond its end, and `finish` refuses leftovers.
///
/// It looks at the bytes in place and is valid as long as they are; what is to stay is copied out of it.
struct FieldReader {
    private let bytes: UnsafeRawBufferPointer
    /// Bytes read; never more than there are.
    private var position = 0
    let type: PacketType

    init(_ bytes: UnsafeRawBufferPointer, of type: PacketType) {
        self.bytes = bytes
        self.type = type
    }

    var isAtEnd: Bool { position == bytes.count }

    @inline(__always)
    mutating func integer<Integer: FixedWidthInteger>(_: Integer.Type = Integer.self) throws(DecodeError) -> Integer {
        let size = MemoryLayout<Integer>.size
        guard bytes.count - position >= size else { throw .truncated(type) }
        defer { position += size }
        return Integer(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: Integer.self))
    }

    mutating func variableByteInteger() throws(DecodeError) -> Int {
        switch VariableByteInteger.peek(bytes, at: position) {
        case .needsMore: throw .truncated(type)
        case .malformed, .value(_, _, isMinimal: false): throw .malformedLength
        case .value(let value, let size, isMinimal: true):
            position += size
            return value
        }
    }

    @inline(__always)
    mutating func packetIdentifier() throws(DecodeError) -> PacketIdentifier {
        guard let identifier = PacketIdentifier(try integer()) else { throw .zeroPacketIdentifier(type) }
        return identifier
    }

    /// The next `length` bytes, in place.
    @inline(__always)
    mutating func slice(_ length: Int) throws(DecodeError) -> UnsafeRawBufferPointer {
        guard bytes.count - position >= length else { throw .truncated(type) }
        defer { position += length }
        return UnsafeRawBufferPointer(start: bytes.baseAddress.map { $0 + position }, count: length)
    }

    /// Binary data: two bytes of length, then that many bytes (MQTT 5.0, 1.5.6).
    mutating func binary() throws(DecodeError) -> ByteBuffer {
        ByteBuffer(bytes: try field())
    }

    /// What has its length before it, in place.
    @inline(__always)
    private mutating func field() throws(DecodeError) -> UnsafeRawBufferPointer {
        try slice(Int(integer(UInt16.self)))
    }

    /// A UTF-8 encoded string (MQTT 5.0, 1.5.4), as are the client identifier (MQTT-3.1.3-4), the user name (MQTT-3.1.3-12), the
    /// content type (MQTT-3.3.2-19) and both halves of a user property (MQTT-1.5.7-1). A leading U+FEFF is kept (MQTT-1.5.4-3).
    mutating func string() throws(DecodeError) -> String {
        let text = try field()
        let scan = TextScan(text)
        guard scan.isString else { throw .malformedString }
        return String(checked: text, isASCII: scan.isASCII)
    }

    /// The checked bytes of a topic name, perhaps empty, in place: of a PUBLISH (MQTT-3.3.2-1), a will (MQTT-3.1.3-11) or an answer
    /// (MQTT-3.3.2-13).
    @inline(__always)
    mutating func topicName() throws(DecodeError) -> UnsafeRawBufferPointer {
        let text = try field()
        let scan = TextScan(text)
        guard scan.isString else { throw .malformedString }
        guard !scan.hasWildcard else { throw .invalidTopicName }  // MQTT-4.7.0-1
        return text
    }

    /// The checked bytes of a topic filter, in place (MQTT-3.8.3-1, MQTT-3.10.3-1).
    @inline(__always)
    mutating func topicFilter() throws(DecodeError) -> UnsafeRawBufferPointer {
        let filter = try field()
        guard TextScan(filter).isString else { throw .malformedString }
        guard !filter.isEmpty else { throw .invalidTopicFilter }
        return filter
    }

    mutating func reasonCode(from sender: Sender) throws(DecodeError) -> ReasonCode {
        let byte = try integer(UInt8.self)
        guard let code = ReasonCode(rawValue: byte), code.isAllowed(in: type, from: sender) else {
            throw .invalidReasonCode(byte, type)
        }
        return code
    }

    /// Everything that is left, in place.
    @inline(__always)
    mutating func rest() -> UnsafeRawBufferPointer {
        defer { position = bytes.count }
        return UnsafeRawBufferPointer(start: bytes.baseAddress.map { $0 + position }, count: bytes.count - position)
    }

    func finish() throws(DecodeError) {
        guard isAtEnd else { throw .trailingBytes(type) }
    }
}

extension String {
    /// Copies octets that a `TextScan` found to be a string.
    init(checked octets: UnsafeRawBufferPointer, isASCII: Bool = false) {
        self.init(copying: UTF8Span(unchecked: octets.assumingMemoryBound(to: UInt8.self).span, isKnownASCII: isASCII))
    }
}
