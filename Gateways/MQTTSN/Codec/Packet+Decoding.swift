import NIOCore

extension Packet {
    /// Reads the one message a datagram holds. Payloads are slices of the datagram.
    ///
    /// A name that is not UTF-8 and a foreign ProtocolId are told apart from the other errors because the standard has a
    /// reply for them.
    static func decode(
        from datagram: ByteBuffer, limits: Limits, version: ProtocolVersion = .v12
    ) throws(DecodeError) -> Packet {
        var reader = PacketReader(datagram)
        let header = try reader.readHeader(limits: limits, version: version)
        if version == .v20 { return try reader.readDraft(header.type, limits: limits) }
        if header.type == .forwarderEncapsulation {
            return try reader.readForwarderEncapsulation(header, limits: limits)
        }
        let packet = try reader.readBody(header.type)
        // A CONNECT of MQTT-SN 2.0 has the type of a SEARCHGW that is far too long: it is never taken for one.
        if reader.remaining > 0, !limits.toleratesTrailingOctets || header.type == .searchGateway {
            throw .trailingOctets(header.type)
        }
        return packet
    }
}

/// Takes fields off a message, one by one, and knows which message it is in when one is missing.
struct PacketReader {
    struct Header {
        var type: PacketType
        var length: Int
        var isLongForm: Bool
    }

    var buffer: ByteBuffer
    private(set) var type = PacketType.advertise

    init(_ buffer: ByteBuffer) {
        self.buffer = buffer
    }

    var remaining: Int { buffer.readableBytes }

    /// Length and MsgType (MQTT-SN 5.2); leaves the fields of this message only, but for an encapsulation, whose
    /// length does not count the message it carries.
    mutating func readHeader(limits: Limits, version: ProtocolVersion) throws(DecodeError) -> Header {
        let size = buffer.readableBytes
        guard let first = buffer.readInteger(as: UInt8.self) else { throw .tooShort }
        var length = Int(first)
        let isLongForm = first == 0x01
        if isLongForm {
            guard let long = buffer.readInteger(as: UInt16.self) else { throw .tooShort }
            length = Int(long)
        }
        guard let code = buffer.readInteger(as: UInt8.self) else { throw .tooShort }
        // A long form around a small message is legal (MQTT-SN 5.2.1).
        guard length >= (isLongForm ? 4 : 2), length <= size else { throw .lengthMismatch }
        guard let type = PacketType(code: code, in: version) else { throw .reservedType(code) }
        self.type = type
        let header = Header(type: type, length: length, isLongForm: isLongForm)
        if type == .forwarderEncapsulation, version == .v12 { return header }
        guard length <= limits.maximumPacketSize else { throw .tooLong }
        guard length == size || limits.toleratesTrailingOctets else { throw .lengthMismatch }
        guard let body = buffer.readSlice(length: length - (isLongForm ? 4 : 2)) else { throw .lengthMismatch }
        buffer = body
        return header
    }

    mutating func readForwarderEncapsulation(_ header: Header, limits: Limits) throws(DecodeError) -> Packet {
        // Its length is one octet long (MQTT-SN 5.5).
        guard !header.isLongForm else { throw .lengthMismatch }
        let control = try octet()
        let nodeIDLength = header.length - 3
        guard nodeIDLength >= 0, let nodeID = buffer.readSlice(length: nodeIDLength) else { throw .truncated(type) }
        guard nodeIDLength <= limits.maximumNodeIDLength else { throw .tooLong }
        return .forwarderEncapsulation(
            Packet.ForwarderEncapsulation(radius: control & 0x03, nodeID: nodeID, message: rest()))
    }

    mutating func readBody(_ type: PacketType) throws(DecodeError) -> Packet {
        switch type {
        case .advertise: .advertise(Packet.Advertise(gatewayID: try octet(), duration: try integer()))
        case .searchGateway: .searchGateway(radius: try octet())
        case .gatewayInfo: .gatewayInfo(Packet.GatewayInfo(gatewayID: try octet(), address: rest()))
        case .connect: try connect()
        case .connack: .connack(try returnCode())
        case .willTopicRequest: .willTopicRequest
        case .willTopic: .willTopic(try willTopic())
        case .willMessageRequest: .willMessageRequest
        case .willMessage: .willMessage(rest())
        case .register: try register()
        case .regack: .regack(try acknowledgement())
        case .publish: try publish()
        case .puback: .puback(try acknowledgement())
        case .pubcomp: .pubcomp(messageID: try integer())
        case .pubrec: .pubrec(messageID: try integer())
        case .pubrel: .pubrel(messageID: try integer())
        case .subscribe: try subscribe()
        case .suback: try suback()
        case .unsubscribe: try unsubscribe()
        case .unsuback: .unsuback(messageID: try integer())
        case .pingreq: .pingreq(clientID: remaining == 0 ? nil : try text())
        case .pingresp: .pingresp
        case .disconnect: .disconnect(duration: remaining == 0 ? nil : try integer())
        case .willTopicUpdate: .willTopicUpdate(try willTopic())
        case .willTopicResponse: .willTopicResponse(try returnCode())
        case .willMessageUpdate: .willMessageUpdate(rest())
        case .willMessageResponse: .willMessageResponse(try returnCode())
        case .forwarderEncapsulation: preconditionFailure("read by readForwarderEncapsulation")
        case .auth, .publishWithoutSession, .sleepRequest, .sleepResponse, .wakeUp, .connectionEncapsulation,
            .protectionEncapsulation:
            preconditionFailure("no number of 1.2 stands for it")
        }
    }

    // MARK: Messages

    private mutating func connect() throws(DecodeError) -> Packet {
        let flags = Flags(rawValue: try octet())
        let protocolID = try octet()
        // Behind another ProtocolId other fields may stand: they are not read (MQTT-SN 5.3.8).
        guard protocolID == 0x01 else { throw .unsupportedProtocol(protocolID) }
        return .connect(
            Packet.Connect(
                will: flags.will, cleanSession: flags.cleanSession, duration: try integer(), clientID: try text()))
    }

    private mutating func willTopic() throws(DecodeError) -> Packet.WillTopic? {
        if remaining == 0 { return nil }
        let flags = Flags(rawValue: try octet())
        return Packet.WillTopic(qos: flags.qos, retain: flags.retain, topicName: try text())
    }

    private mutating func register() throws(DecodeError) -> Packet {
        let topicID = try integer()
        let messageID = try integer()
        return .register(
            Packet.Register(topicID: topicID, messageID: messageID, topicName: try text(messageID: messageID)))
    }

    private mutating func acknowledgement() throws(DecodeError) -> Packet.Acknowledgement {
        Packet.Acknowledgement(topicID: try integer(), messageID: try integer(), returnCode: try returnCode())
    }

    private mutating func publish() throws(DecodeError) -> Packet {
        let flags = Flags(rawValue: try octet())
        let topicID = TopicID(type: flags.topicIDType, value: try integer())
        return .publish(
            Packet.Publish(
                isDuplicate: flags.isDuplicate, qos: flags.qos, retain: flags.retain, topicID: topicID,
                messageID: try integer(), payload: rest()))
    }

    private mutating func subscribe() throws(DecodeError) -> Packet {
        let flags = Flags(rawValue: try octet())
        let messageID = try integer()
        return .subscribe(
            Packet.Subscribe(
                isDuplicate: flags.isDuplicate, qos: flags.qos, messageID: messageID,
                topic: try topic(flags, messageID: messageID)))
    }

    private mutating func suback() throws(DecodeError) -> Packet {
        .suback(
            Packet.Suback(
                qos: Flags(rawValue: try octet()).qos, topicID: try integer(), messageID: try integer(),
                returnCode: try returnCode()))
    }

    private mutating func unsubscribe() throws(DecodeError) -> Packet {
        let flags = Flags(rawValue: try octet())
        let messageID = try integer()
        return .unsubscribe(
            Packet.Unsubscribe(messageID: messageID, topic: try topic(flags, messageID: messageID)))
    }

    private mutating func topic(_ flags: Flags, messageID: UInt16) throws(DecodeError) -> Packet.Topic {
        switch flags.topicIDType {
        case .normal: return .name(try text(messageID: messageID))
        case .predefined: return .predefined(try integer())
        case .short: return .short(try integer())
        case .reserved:
            _ = rest()
            return .reserved
        }
    }

    // MARK: Fields

    mutating func octet() throws(DecodeError) -> UInt8 {
        guard let value = buffer.readInteger(as: UInt8.self) else { throw .truncated(type) }
        return value
    }

    mutating func integer() throws(DecodeError) -> UInt16 {
        guard let value = buffer.readInteger(as: UInt16.self) else { throw .truncated(type) }
        return value
    }

    mutating func returnCode() throws(DecodeError) -> ReturnCode {
        ReturnCode(rawValue: try octet())
    }

    /// Text to the end of the message.
    mutating func text(messageID: UInt16 = 0) throws(DecodeError) -> String {
        guard let text = String(validating: rest().readableBytesView, as: UTF8.self) else {
            throw .invalidText(type, messageID: messageID)
        }
        return text
    }

    mutating func rest() -> ByteBuffer {
        let rest = buffer.slice()
        buffer.moveReaderIndex(forwardBy: rest.readableBytes)
        return rest
    }
}
