public import NIOCore

/// Cuts a stream of bytes into packets and reads them. One decoder serves one direction of one connection: it learns the
/// protocol version from the CONNECT it reads, or is told it when it reads what a server sends.
///
///     var decoder = PacketDecoder(reading: .client)
///     while let packet = try decoder.decode(from: &received) { … }
///
/// A server, which gets more PUBLISH than anything else, looks at them in place:
///
///     while let frame = try decoder.frame(at: bytes) {
///         if frame.type == .publish { use(try decoder.publish(in: frame)) } else { use(try decoder.packet(in: frame)) }
///         bytes = …[frame.size...]
///     }
public struct PacketDecoder: Sendable {
    public let limits: Limits
    /// Who sent the bytes.
    public let sender: Sender
    /// Version of the connection. Nil until CONNECT has been read as far as its protocol level, so that an error in the rest of
    /// CONNECT can be answered in the version the client understands.
    public private(set) var version: ProtocolVersion?

    /// - `version`: needed when reading what a server sends; a server's decoder learns it from CONNECT.
    public init(reading sender: Sender, version: ProtocolVersion? = nil, limits: Limits = Limits()) {
        precondition(sender == .client || version != nil, "a client knows the version it asked for")
        self.sender = sender
        self.version = version
        self.limits = limits
    }

    /// Reads one packet and moves the reader index behind it.
    /// - Returns: nil when the packet is not complete; nothing was read then.
    /// - Throws: as soon as the bytes at hand show that no valid packet can follow, be it complete or not.
    public mutating func decode(from buffer: inout ByteBuffer) throws(DecodeError) -> Packet? {
        var size = 0
        let packet = try buffer.withUnsafeReadableBytes { (bytes) throws(DecodeError) -> Packet? in
            guard let frame = try self.frame(at: bytes) else { return nil }
            size = frame.size
            return try self.packet(in: frame)
        }
        buffer.moveReaderIndex(forwardBy: size)
        return packet
    }

    /// The packet at the beginning of `bytes`, which is not looked into yet.
    /// - Returns: nil when it is not complete.
    /// - Throws: when its type or size is not allowed, be it complete or not.
    public func frame(at bytes: UnsafeRawBufferPointer) throws(DecodeError) -> Frame? {
        if version != nil, let frame = exchangeFrame(at: bytes) { return frame }
        guard let header = try FixedHeader.peek(bytes, version: version) else { return nil }
        try check(header)
        guard bytes.count >= header.packetSize else { return nil }
        return bytes.baseAddress.map { Frame(header, at: $0) }
    }

    /// Octets that the packet which begins in `rest` lacks. Those of its fixed header, five at most, are moved there from `more` as far as
    /// that is to be known.
    /// - Returns: nil when it is not known: the header is not complete, or not allowed, which `frame(at:)` tells.
    public func octetsMissing(from rest: inout ByteBuffer, with more: inout ByteBuffer) -> Int? {
        while true {
            let header = rest.withUnsafeReadableBytes { try? FixedHeader.peek($0, version: version) }
            if let header { return header.packetSize - rest.readableBytes }
            guard rest.readableBytes < FixedHeader.mostOctets, let octet = more.readInteger(as: UInt8.self) else {
                return nil
            }
            rest.writeInteger(octet)
        }
    }

    /// PUBLISH and its acknowledgements, nearly all packets there are, which both sides may send in every version. Nil where it takes more
    /// than a glance to tell what it is: the length has more than two bytes, something is wrong, or missing.
    @inline(__always)
    private func exchangeFrame(at bytes: UnsafeRawBufferPointer) -> Frame? {
        guard bytes.count >= 4, let start = bytes.baseAddress else { return nil }
        let word = UInt32(littleEndian: start.loadUnaligned(as: UInt32.self))
        let first = UInt8(truncatingIfNeeded: word)
        let type: PacketType
        switch first {
        case 0x30...0x3F: type = .publish
        case 0x40: type = .puback
        case 0x50: type = .pubrec
        case 0x62: type = .pubrel
        case 0x70: type = .pubcomp
        default: return nil
        }
        var header = FixedHeader(type: type, flags: first & 0x0F, remainingLength: Int(word >> 8 & 0x7F), size: 2)
        if word & 0x8000 != 0 {
            let upper = Int(word >> 16 & 0xFF)
            guard 0x01...0x7F ~= upper else { return nil }
            header = FixedHeader(
                type: type, flags: header.flags, remainingLength: header.remainingLength | upper << 7, size: 3)
        }
        guard header.packetSize <= min(bytes.count, limits.packetSize) else { return nil }
        return Frame(header, at: start)
    }

    /// Reads a packet of any type.
    public mutating func packet(in frame: Frame) throws(DecodeError) -> Packet {
        try decode(frame, FieldReader(frame.body, of: frame.type))
    }

    /// Reads a PUBLISH in place.
    public func publish(in frame: Frame) throws(DecodeError) -> ReceivedPublish {
        guard let version, frame.type == .publish else { throw .unexpectedPacket(frame.type) }
        var reader = FieldReader(frame.body, of: .publish)
        return try reader.publish(
            flags: frame.flags, Context(version: version, sender: sender, limits: limits))
    }

    /// Reads a SUBSCRIBE or UNSUBSCRIBE in place.
    /// - Parameter filters: gets its filters, after those that are there already.
    public func filters(
        in frame: Frame, into filters: inout [ReceivedFilter]
    ) throws(DecodeError) -> FilterRequest {
        guard let version, frame.type == .subscribe || frame.type == .unsubscribe else {
            throw .unexpectedPacket(frame.type)
        }
        var reader = FieldReader(frame.body, of: frame.type)
        return try reader.filters(Context(version: version, sender: sender, limits: limits), into: &filters)
    }

    private func check(_ header: FixedHeader) throws(DecodeError) {
        guard header.packetSize <= limits.packetSize else {
            throw .packetTooLarge(declared: header.packetSize, limit: limits.packetSize)
        }
        guard let version else {
            guard header.type == .connect else { throw .unexpectedPacket(header.type) }  // MQTT-3.1.0-1
            return
        }
        if header.type == .auth, version != .v5 { throw .reservedPacketType }
        guard header.type != .connect, header.type.mayBeSent(by: sender, version: version) else {
            throw .unexpectedPacket(header.type)  // a second CONNECT: MQTT-3.1.0-2
        }
    }

    private mutating func decode(_ frame: Frame, _ reader: consuming FieldReader) throws(DecodeError) -> Packet {
        guard let version else { return try decodeConnect(&reader) }  // `check` let nothing but CONNECT through
        let context = Context(version: version, sender: sender, limits: limits)
        let packet: Packet =
            switch frame.type {
            case .connect: throw .unexpectedPacket(.connect)
            case .connack: .connack(try reader.connAck(context))
            case .publish: .publish(Publish(try reader.publish(flags: frame.flags, context)))
            case .puback: .puback(try reader.acknowledgement(context))
            case .pubrec: .pubrec(try reader.acknowledgement(context))
            case .pubrel: .pubrel(try reader.acknowledgement(context))
            case .pubcomp: .pubcomp(try reader.acknowledgement(context))
            case .subscribe: .subscribe(try reader.subscribe(context))
            case .suback: .suback(try reader.subAck(context))
            case .unsubscribe: .unsubscribe(try reader.unsubscribe(context))
            case .unsuback: .unsuback(try reader.unsubAck(context))
            case .pingreq: .pingreq
            case .pingresp: .pingresp
            case .disconnect: .disconnect(try reader.disconnect(context))
            case .auth: .auth(try reader.auth(context))
            }
        try reader.finish()
        return packet
    }

    private mutating func decodeConnect(_ reader: inout FieldReader) throws(DecodeError) -> Packet {
        let version = try reader.protocolVersion()
        self.version = version
        let connect = try reader.connect(version: version, limits: limits)
        try reader.finish()
        return .connect(connect)
    }
}

/// One whole packet in the bytes received. Valid as long as they are.
///
///     | type, flags (1) | remaining length (1-4) | body |
///     ╰──────────────── header ──────────────────╯
///
/// Four words or fewer travel in registers; one more, and each packet would wait for its frame to go to memory and back.
public struct Frame {
    /// What comes after the fixed header.
    private let start: UnsafeRawPointer
    private let bodyCount: UInt32
    private let headerCount: UInt8
    let flags: UInt8
    public let type: PacketType

    /// - Parameter start: of the packet; all of it lies there.
    @inline(__always)
    init(_ header: FixedHeader, at start: UnsafeRawPointer) {
        self.start = start + header.size
        bodyCount = UInt32(truncatingIfNeeded: header.remainingLength)  // below 2^28 (MQTT 5.0, 1.5.5)
        headerCount = UInt8(truncatingIfNeeded: header.size)
        flags = header.flags
        type = header.type
    }

    /// What comes after the fixed header.
    var body: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: Int(bodyCount)) }
    /// Bytes of the packet, fixed header included.
    public var size: Int { Int(headerCount) + Int(bodyCount) }

    /// The identifier of a PUBACK, PUBREC, PUBREL or PUBCOMP that says no more than that, which means success: as nearly all do
    /// (MQTT 5.0, 3.4.2.1). Nil for anything else.
    public var plainAcknowledgement: PacketIdentifier? {
        guard PacketType.puback.rawValue...PacketType.pubcomp.rawValue ~= type.rawValue, bodyCount == 2 else {
            return nil
        }
        return PacketIdentifier(UInt16(bigEndian: start.loadUnaligned(as: UInt16.self)))
    }
}

/// What reading a packet depends on besides its bytes.
struct Context {
    let version: ProtocolVersion
    let sender: Sender
    let limits: Limits
}

/// The first two to five bytes of a packet (MQTT 5.0, 2.1).
///
///     | type (4 bits) flags (4 bits) | remaining length (1-4) |
struct FixedHeader: Equatable {
    let type: PacketType
    let flags: UInt8
    let remainingLength: Int
    /// Bytes of the fixed header itself.
    let size: Int

    /// As of the longest remaining length (MQTT 5.0, 2.1.4).
    static let mostOctets = 5

    var packetSize: Int { size + remainingLength }

    /// Nil when more bytes are needed.
    static func peek(
        _ bytes: UnsafeRawBufferPointer, version: ProtocolVersion?
    ) throws(DecodeError) -> FixedHeader? {
        guard let first = bytes.first else { return nil }
        guard let type = PacketType(rawValue: first >> 4) else { throw .reservedPacketType }
        let flags = first & 0x0F
        if let required = type.requiredFlags, required != flags {
            // MQTT 3.1, 2.1 lets DUP be set on whatever is sent again; 3.1.1 no longer does (MQTT-2.2.2-1).
            guard version == .v31, required != 0, flags == required | 0b1000 else { throw .reservedFlags(type) }
        }
        switch VariableByteInteger.peek(bytes, at: 1) {
        case .needsMore: return nil
        case .malformed: throw .malformedLength
        case .value(let length, let size, let isMinimal):
            guard isMinimal || version != .v5 else { throw .malformedLength }  // MQTT-1.5.5-1; no rule before 5.0
            return FixedHeader(type: type, flags: flags, remainingLength: length, size: size + 1)
        }
    }
}
