import NIOCore

/// Reads the fields of one packet from exactly its bytes: nothing can be read beyond its end, and `finish` refuses leftovers.
struct FieldReader {
    private(set) var bytes: ByteBuffer
    let type: PacketType

    init(_ bytes: ByteBuffer, of type: PacketType) {
        self.bytes = bytes
        self.type = type
    }

    var isAtEnd: Bool { bytes.readableBytes == 0 }

    mutating func integer<Integer: FixedWidthInteger>(_: Integer.Type = Integer.self) throws(DecodeError) -> Integer {
        guard let value = bytes.readInteger(as: Integer.self) else { throw .truncated(type) }
        return value
    }

    mutating func variableByteInteger() throws(DecodeError) -> Int {
        switch VariableByteInteger.peek(bytes) {
        case .needsMore: throw .truncated(type)
        case .malformed, .value(_, _, isMinimal: false): throw .malformedLength
        case .value(let value, let size, isMinimal: true):
            bytes.moveReaderIndex(forwardBy: size)
            return value
        }
    }

    mutating func packetIdentifier() throws(DecodeError) -> PacketIdentifier {
        guard let identifier = PacketIdentifier(try integer()) else { throw .zeroPacketIdentifier(type) }
        return identifier
    }

    /// A slice of the next `length` bytes.
    mutating func slice(_ length: Int) throws(DecodeError) -> ByteBuffer {
        guard let slice = bytes.readSlice(length: length) else { throw .truncated(type) }
        return slice
    }

    /// Binary data: two bytes of length, then that many bytes (MQTT 5.0, 1.5.6).
    mutating func binary() throws(DecodeError) -> ByteBuffer {
        try slice(Int(integer(UInt16.self)))
    }

    /// A UTF-8 encoded string (MQTT 5.0, 1.5.4), as are the client identifier (MQTT-3.1.3-4), the user name (MQTT-3.1.3-12), the
    /// content type (MQTT-3.3.2-19) and both halves of a user property (MQTT-1.5.7-1). A leading U+FEFF is kept (MQTT-1.5.4-3).
    mutating func string() throws(DecodeError) -> String {
        let text = try binary()
        guard TextScan(text).isString else { throw .malformedString }
        return String(buffer: text)
    }

    /// The checked bytes of a topic name, perhaps empty: of a PUBLISH (MQTT-3.3.2-1), a will (MQTT-3.1.3-11) or an answer
    /// (MQTT-3.3.2-13).
    mutating func topicName() throws(DecodeError) -> ByteBuffer {
        let text = try binary()
        let scan = TextScan(text)
        guard scan.isString else { throw .malformedString }
        guard !scan.hasWildcard else { throw .invalidTopicName }  // MQTT-4.7.0-1
        return text
    }

    /// MQTT-3.8.3-1, MQTT-3.10.3-1
    mutating func topicFilter() throws(DecodeError) -> String {
        let filter = try string()
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

    /// Everything that is left.
    mutating func rest() -> ByteBuffer {
        let rest = bytes
        bytes.moveReaderIndex(to: bytes.writerIndex)
        return rest
    }

    func finish() throws(DecodeError) {
        guard isAtEnd else { throw .trailingBytes(type) }
    }
}
