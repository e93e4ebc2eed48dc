import NIOCore

/// Messages of 2.0, whose fields stand in the order of the structs of Packet+Draft.swift.
extension PacketReader {
    /// The flags octets of 2.0; which bits mean what depends on the message.
    private struct DraftFlags {
        let rawValue: UInt8

        func has(_ bit: UInt8) -> Bool { rawValue >> bit & 1 == 1 }
        var kind: UInt8 { rawValue & 0x03 }

        func qos(at bit: UInt8) -> PublishQoS {
            switch rawValue >> bit & 0x03 {
            case 0: .atMostOnce
            case 1: .atLeastOnce
            case 2: .exactlyOnce
            default: .connectionless
            }
        }
    }

    mutating func readDraft(_ type: PacketType, limits: Limits) throws(DecodeError) -> Packet {
        let packet = try readDraftBody(type, limits: limits)
        if remaining > 0, !limits.toleratesTrailingOctets { throw .trailingOctets(type) }
        return packet
    }

    private mutating func readDraftBody(_ type: PacketType, limits: Limits) throws(DecodeError) -> Packet {
        switch type {
        case .connect: .connectDraft(try connectDraft())
        case .connack: .connackDraft(try connackDraft())
        case .auth:
            .auth(
                Packet.Auth(
                    messageID: try integer(), reason: try returnCode(), authentication: try authentication(isLast: true)
                ))
        case .register: try registerDraft()
        case .regack: try regackDraft()
        case .publish: .publishDraft(try publishDraft(hasSession: true))
        case .publishWithoutSession: .publishWithoutSession(try publishDraft(hasSession: false))
        case .puback: .pubackDraft(messageID: try integer(), reason: try optionalReason())
        case .pubrec: .pubrecDraft(messageID: try integer(), reason: try optionalReason())
        case .pubrel: .pubrelDraft(messageID: try integer(), reason: try optionalReason())
        case .pubcomp: .pubcompDraft(messageID: try integer(), reason: try optionalReason())
        case .subscribe: .subscribeDraft(try subscribeDraft())
        case .suback: .subackDraft(try subackDraft())
        case .unsubscribe: .unsubscribeDraft(try unsubscribeDraft())
        case .unsuback: .unsubackDraft(messageID: try integer(), reason: try optionalReason())
        case .pingreq: .pingreqDraft(messageID: try integer())
        case .pingresp:
            .pingrespDraft(messageID: try integer(), remaining: remaining == 0 ? nil : try octet())
        case .disconnect: .disconnectDraft(try disconnectDraft())
        case .sleepRequest: .sleepRequest(try sleepRequest())
        case .sleepResponse: .sleepResponse(try sleepResponse())
        case .wakeUp: .wakeUp
        case .advertise: .advertise(Packet.Advertise(gatewayID: try octet(), duration: try integer()))
        case .searchGateway: try searchGatewayDraft()
        case .gatewayInfo: .gatewayInfo(Packet.GatewayInfo(gatewayID: try octet(), address: rest()))
        case .forwarderEncapsulation: .forwarderEncapsulation(try forwarderDraft(limits))
        case .connectionEncapsulation: .connectionEncapsulation(try connectionEncapsulation())
        case .protectionEncapsulation, .willTopicRequest, .willTopic, .willMessageRequest, .willMessage,
            .willTopicUpdate,
            .willTopicResponse, .willMessageUpdate, .willMessageResponse:
            throw .reservedType(type.code(in: .v20) ?? 0)
        }
    }

    // MARK: Connection

    private mutating func connectDraft() throws(DecodeError) -> Packet.ConnectDraft {
        let flags = DraftFlags(rawValue: try octet())
        let willFlags = flags.has(1) ? DraftFlags(rawValue: try octet()) : nil
        let messageID = try integer()
        let version = try octet()
        guard version == 0x02 else { throw .unsupportedProtocol(version) }
        let keepAlive = try integer(), maximumPacketSize = try integer()
        let awakeMessages = flags.has(4) ? try octet() : nil
        let sessionExpiry = flags.has(3) ? try longInteger() : nil
        var will: Packet.ConnectDraft.Will?
        if let willFlags {
            will = Packet.ConnectDraft.Will(
                topic: try reference(willFlags.kind, isLast: false), qos: willFlags.qos(at: 2),
                retain: willFlags.has(4),
                payload: try slice(Int(try integer())))
        }
        return Packet.ConnectDraft(
            cleanStart: flags.has(0), mayChangeAddress: flags.has(5), acceptsServerValues: flags.has(6),
            messageID: messageID, keepAlive: keepAlive, maximumPacketSize: maximumPacketSize,
            awakeMessages: awakeMessages, sessionExpiry: sessionExpiry, will: will,
            authentication: flags.has(2) ? try authentication(isLast: false) : nil,
            clientID: try text(messageID: messageID))
    }

    private mutating func connackDraft() throws(DecodeError) -> Packet.ConnackDraft {
        let flags = DraftFlags(rawValue: try octet())
        var connack = Packet.ConnackDraft(
            sessionPresent: flags.has(0), messageID: try integer(), reason: try returnCode())
        if flags.has(1) { connack.sessionExpiry = try longInteger() }
        if flags.has(2) { connack.keepAlive = try integer() }
        if flags.has(3) { connack.authentication = try authentication(isLast: false) }
        if remaining > 0 { connack.assignedClientID = try text() }
        return connack
    }

    /// Method length 1, method, data length 2, data; the data of AUTH run to its end.
    private mutating func authentication(isLast: Bool) throws(DecodeError) -> Packet.Authentication {
        let method = try text(octets: Int(try octet()))
        let data = isLast ? rest() : try slice(Int(try integer()))
        return Packet.Authentication(method: method, data: data)
    }

    private mutating func disconnectDraft() throws(DecodeError) -> Packet.DisconnectDraft {
        var disconnect = Packet.DisconnectDraft()
        if remaining == 0 { return disconnect }
        let flags = DraftFlags(rawValue: try octet())
        if flags.has(0) { disconnect.messageID = try integer() }
        if flags.has(1) { disconnect.sessionExpiry = try longInteger() }
        if flags.has(2) { disconnect.reason = try returnCode() }
        disconnect.text = try text()
        return disconnect
    }

    // MARK: Topics

    /// - Parameter isLast: a name runs to the end of the message, else its length stands before it.
    private mutating func reference(_ kind: UInt8, isLast: Bool, messageID: UInt16 = 0) throws(DecodeError)
        -> Packet.TopicReference
    {
        switch kind {
        case 0: return .alias(try integer())
        case 1: return .predefined(try integer())
        case 2:
            _ = try integer()
            return .reserved
        default:
            if isLast { return .name(try text(messageID: messageID)) }
            return .name(try text(octets: Int(try integer()), messageID: messageID))
        }
    }

    private mutating func registerDraft() throws(DecodeError) -> Packet {
        let flags = DraftFlags(rawValue: try octet())
        let messageID = try integer()
        let topicID = flags.has(0) ? try integer() : 0
        return .register(
            Packet.Register(topicID: topicID, messageID: messageID, topicName: try text(messageID: messageID)))
    }

    private mutating func regackDraft() throws(DecodeError) -> Packet {
        let flags = DraftFlags(rawValue: try octet())
        let messageID = try integer()
        let topicID = flags.has(2) ? try integer() : 0
        return .regack(
            Packet.Acknowledgement(topicID: topicID, messageID: messageID, returnCode: try optionalReason()))
    }

    private mutating func publishDraft(hasSession: Bool) throws(DecodeError) -> Packet.PublishDraft {
        let flags = DraftFlags(rawValue: try octet())
        let qos = hasSession ? flags.qos(at: 5) : .atMostOnce
        let messageID = qos == .atMostOnce ? 0 : try integer()
        return Packet.PublishDraft(
            isDuplicate: hasSession && flags.has(7), qos: qos, retain: flags.has(4),
            topic: try reference(flags.kind, isLast: false, messageID: messageID), messageID: messageID, payload: rest()
        )
    }

    private mutating func subscribeDraft() throws(DecodeError) -> Packet.SubscribeDraft {
        let flags = DraftFlags(rawValue: try octet())
        let messageID = try integer()
        return Packet.SubscribeDraft(
            noLocal: flags.has(7), qos: flags.qos(at: 5), retainAsPublished: flags.has(4),
            retainHandling: flags.rawValue >> 2 & 0x03, messageID: messageID,
            topic: try reference(flags.kind, isLast: true, messageID: messageID))
    }

    private mutating func subackDraft() throws(DecodeError) -> Packet.SubackDraft {
        let flags = DraftFlags(rawValue: try octet())
        let messageID = try integer()
        let topic = flags.has(2) ? try reference(flags.kind, isLast: true) : nil
        return Packet.SubackDraft(topic: topic, messageID: messageID, reason: try optionalReason())
    }

    private mutating func unsubscribeDraft() throws(DecodeError) -> Packet.UnsubscribeDraft {
        let flags = DraftFlags(rawValue: try octet())
        let messageID = try integer()
        return Packet.UnsubscribeDraft(
            messageID: messageID, topic: try reference(flags.kind, isLast: true, messageID: messageID))
    }

    // MARK: Sleep, discovery, encapsulations

    private mutating func sleepRequest() throws(DecodeError) -> Packet.SleepRequest {
        let flags = DraftFlags(rawValue: try octet())
        return Packet.SleepRequest(keepsAliases: flags.has(0), messageID: try integer(), duration: try longInteger())
    }

    private mutating func sleepResponse() throws(DecodeError) -> Packet.SleepResponse {
        let flags = DraftFlags(rawValue: try octet())
        let messageID = try integer()
        let duration = flags.has(0) ? try longInteger() : nil
        return Packet.SleepResponse(messageID: messageID, duration: duration, reason: try optionalReason())
    }

    /// The information is for other networks; ours has no radius.
    private mutating func searchGatewayDraft() throws(DecodeError) -> Packet {
        let information = rest()
        return .searchGateway(radius: information.getInteger(at: information.readerIndex) ?? 0)
    }

    /// Address length 1, address, a complete message.
    private mutating func forwarderDraft(_ limits: Limits) throws(DecodeError) -> Packet.ForwarderEncapsulation {
        let length = Int(try octet())
        guard length <= limits.maximumNodeIDLength else { throw .tooLong }
        return Packet.ForwarderEncapsulation(radius: 0, nodeID: try slice(length), message: rest())
    }

    private mutating func connectionEncapsulation() throws(DecodeError) -> Packet.ConnectionEncapsulation {
        Packet.ConnectionEncapsulation(clientID: try text(octets: Int(try integer())), message: rest())
    }

    // MARK: Fields

    /// What is left out is success.
    private mutating func optionalReason() throws(DecodeError) -> ReturnCode {
        remaining == 0 ? .accepted : try returnCode()
    }

    private mutating func longInteger() throws(DecodeError) -> UInt32 {
        guard let value = buffer.readInteger(as: UInt32.self) else { throw .truncated(type) }
        return value
    }

    private mutating func slice(_ length: Int) throws(DecodeError) -> ByteBuffer {
        guard let slice = buffer.readSlice(length: length) else { throw .truncated(type) }
        return slice
    }

    private mutating func text(octets length: Int, messageID: UInt16 = 0) throws(DecodeError) -> String {
        guard let text = String(validating: try slice(length).readableBytesView, as: UTF8.self) else {
            throw .invalidText(type, messageID: messageID)
        }
        return text
    }
}
