import NIOCore

extension Packet {
    /// Appends the message as `version` writes it. The caller has held it to the peer's packet size.
    func encode(into buffer: inout ByteBuffer, version: ProtocolVersion) {
        guard version == .v20 else { return encode(into: &buffer) }
        guard let code = type.code(in: .v20) else { preconditionFailure("2.0 has no such message: \(type)") }
        var body = ByteBuffer()
        encodeDraftBody(into: &body)
        if body.readableBytes + 2 <= 255 {
            buffer.writeInteger(UInt8(body.readableBytes + 2))
        } else {
            precondition(body.readableBytes + 4 <= Self.maximumEncodedLength, "too long messages are refused before")
            buffer.writeInteger(UInt8(0x01))
            buffer.writeInteger(UInt16(body.readableBytes + 4))
        }
        buffer.writeInteger(code)
        buffer.writeImmutableBuffer(body)
    }

    /// Octets of the whole message as `encode(into:version:)` writes it.
    func encodedLength(in version: ProtocolVersion) -> Int {
        guard version == .v20 else { return encodedLength }
        var body = ByteBuffer()
        encodeDraftBody(into: &body)
        return body.readableBytes + (body.readableBytes + 2 <= 255 ? 2 : 4)
    }

    private func encodeDraftBody(into buffer: inout ByteBuffer) {
        switch self {
        case .connectDraft(let connect): connect.encode(into: &buffer)
        case .connackDraft(let connack): connack.encode(into: &buffer)
        case .auth(let auth):
            buffer.writeInteger(auth.messageID)
            buffer.writeInteger(auth.reason.rawValue)
            auth.authentication.encode(into: &buffer, isLast: true)
        case .register(let register):
            buffer.writeInteger(UInt8(register.topicID == 0 ? 0 : 1))
            buffer.writeInteger(register.messageID)
            if register.topicID != 0 { buffer.writeInteger(register.topicID) }
            buffer.writeString(register.topicName)
        case .regack(let regack):
            buffer.writeInteger(UInt8(regack.topicID == 0 ? 0 : 0x04))
            buffer.writeInteger(regack.messageID)
            if regack.topicID != 0 { buffer.writeInteger(regack.topicID) }
            buffer.write(regack.returnCode)
        case .publishDraft(let publish), .publishWithoutSession(let publish): publish.encode(into: &buffer)
        case .pubackDraft(let messageID, let reason), .pubrecDraft(let messageID, let reason),
            .pubrelDraft(let messageID, let reason), .pubcompDraft(let messageID, let reason),
            .unsubackDraft(let messageID, let reason):
            buffer.writeInteger(messageID)
            buffer.write(reason)
        case .subscribeDraft(let subscribe): subscribe.encode(into: &buffer)
        case .subackDraft(let suback): suback.encode(into: &buffer)
        case .unsubscribeDraft(let unsubscribe):
            buffer.writeInteger(unsubscribe.topic.kind)
            buffer.writeInteger(unsubscribe.messageID)
            unsubscribe.topic.encode(into: &buffer, isLast: true)
        case .pingreqDraft(let messageID): buffer.writeInteger(messageID)
        case .pingrespDraft(let messageID, let remaining):
            buffer.writeInteger(messageID)
            if let remaining { buffer.writeInteger(remaining) }
        case .disconnectDraft(let disconnect): disconnect.encode(into: &buffer)
        case .sleepRequest(let request):
            buffer.writeInteger(UInt8(request.keepsAliases ? 1 : 0))
            buffer.writeInteger(request.messageID)
            buffer.writeInteger(request.duration)
        case .sleepResponse(let response):
            buffer.writeInteger(UInt8(response.duration == nil ? 0 : 1))
            buffer.writeInteger(response.messageID)
            if let duration = response.duration { buffer.writeInteger(duration) }
            buffer.write(response.reason)
        case .wakeUp: break
        case .advertise(let advertise):
            buffer.writeInteger(advertise.gatewayID)
            buffer.writeInteger(advertise.duration)
        case .searchGateway(let radius): if radius != 0 { buffer.writeInteger(radius) }
        case .gatewayInfo(let info):
            buffer.writeInteger(info.gatewayID)
            buffer.writeImmutableBuffer(info.address)
        case .forwarderEncapsulation(let encapsulation):
            buffer.writeInteger(UInt8(encapsulation.nodeID.readableBytes))
            buffer.writeImmutableBuffer(encapsulation.nodeID)
            buffer.writeImmutableBuffer(encapsulation.message)
        case .connectionEncapsulation(let encapsulation):
            buffer.writeInteger(UInt16(encapsulation.clientID.utf8.count))
            buffer.writeString(encapsulation.clientID)
            buffer.writeImmutableBuffer(encapsulation.message)
        case .connect, .connack, .willTopicRequest, .willTopic, .willMessageRequest, .willMessage, .publish, .puback,
            .pubcomp, .pubrec, .pubrel, .subscribe, .suback, .unsubscribe, .unsuback, .pingreq, .pingresp, .disconnect,
            .willTopicUpdate, .willTopicResponse, .willMessageUpdate, .willMessageResponse:
            preconditionFailure("the form of 1.2 of a message that 2.0 has in another: \(type)")
        }
    }
}

extension Packet.ConnectDraft {
    fileprivate func encode(into buffer: inout ByteBuffer) {
        var flags: UInt8 = cleanStart ? 0x01 : 0
        if will != nil { flags |= 0x02 }
        if authentication != nil { flags |= 0x04 }
        if sessionExpiry != nil { flags |= 0x08 }
        if awakeMessages != nil { flags |= 0x10 }
        if mayChangeAddress { flags |= 0x20 }
        if acceptsServerValues { flags |= 0x40 }
        buffer.writeInteger(flags)
        if let will {
            buffer.writeInteger(will.topic.kind | will.qos.rawValue << 2 | (will.retain ? 0x10 : 0))
        }
        buffer.writeInteger(messageID)
        buffer.writeInteger(UInt8(0x02))
        buffer.writeInteger(keepAlive)
        buffer.writeInteger(maximumPacketSize)
        if let awakeMessages { buffer.writeInteger(awakeMessages) }
        if let sessionExpiry { buffer.writeInteger(sessionExpiry) }
        if let will {
            will.topic.encode(into: &buffer, isLast: false)
            buffer.writeInteger(UInt16(will.payload.readableBytes))
            buffer.writeImmutableBuffer(will.payload)
        }
        authentication?.encode(into: &buffer, isLast: false)
        buffer.writeString(clientID)
    }
}

extension Packet.ConnackDraft {
    fileprivate func encode(into buffer: inout ByteBuffer) {
        var flags: UInt8 = sessionPresent ? 0x01 : 0
        if sessionExpiry != nil { flags |= 0x02 }
        if keepAlive != nil { flags |= 0x04 }
        if authentication != nil { flags |= 0x08 }
        buffer.writeInteger(flags)
        buffer.writeInteger(messageID)
        buffer.writeInteger(reason.rawValue)
        if let sessionExpiry { buffer.writeInteger(sessionExpiry) }
        if let keepAlive { buffer.writeInteger(keepAlive) }
        authentication?.encode(into: &buffer, isLast: false)
        buffer.writeString(assignedClientID ?? "")
    }
}

extension Packet.Authentication {
    fileprivate func encode(into buffer: inout ByteBuffer, isLast: Bool) {
        buffer.writeInteger(UInt8(truncatingIfNeeded: method.utf8.count))
        buffer.writeString(method)
        if !isLast { buffer.writeInteger(UInt16(truncatingIfNeeded: data.readableBytes)) }
        buffer.writeImmutableBuffer(data)
    }
}

extension Packet.PublishDraft {
    /// QoS stands in the same place in PUBLISH and, as 0, in PUBWOS.
    fileprivate func encode(into buffer: inout ByteBuffer) {
        buffer.writeInteger(
            (isDuplicate ? 0x80 : 0) | qos.rawValue << 5 | (retain ? 0x10 : 0) | topic.kind)
        if qos != .atMostOnce { buffer.writeInteger(messageID) }
        topic.encode(into: &buffer, isLast: false)
        buffer.writeImmutableBuffer(payload)
    }
}

extension Packet.SubscribeDraft {
    fileprivate func encode(into buffer: inout ByteBuffer) {
        buffer.writeInteger(
            (noLocal ? 0x80 : 0) | qos.rawValue << 5 | (retainAsPublished ? 0x10 : 0) | retainHandling << 2 | topic.kind
        )
        buffer.writeInteger(messageID)
        topic.encode(into: &buffer, isLast: true)
    }
}

extension Packet.SubackDraft {
    fileprivate func encode(into buffer: inout ByteBuffer) {
        buffer.writeInteger((topic == nil ? 0 : 0x04) | (topic?.kind ?? 0))
        buffer.writeInteger(messageID)
        topic?.encode(into: &buffer, isLast: true)
        buffer.write(reason)
    }
}

extension Packet.DisconnectDraft {
    fileprivate func encode(into buffer: inout ByteBuffer) {
        buffer.writeInteger(
            UInt8(messageID == nil ? 0 : 0x01) | (sessionExpiry == nil ? 0 : 0x02) | (reason == nil ? 0 : 0x04))
        if let messageID { buffer.writeInteger(messageID) }
        if let sessionExpiry { buffer.writeInteger(sessionExpiry) }
        if let reason { buffer.writeInteger(reason.rawValue) }
        buffer.writeString(text)
    }
}

extension Packet.TopicReference {
    /// The alias type, bits 1 and 0 of the flags.
    var kind: UInt8 {
        switch self {
        case .alias: 0
        case .predefined: 1
        case .reserved: 2
        case .name: 3
        }
    }

    fileprivate func encode(into buffer: inout ByteBuffer, isLast: Bool) {
        switch self {
        case .alias(let value), .predefined(let value): buffer.writeInteger(value)
        case .reserved: buffer.writeInteger(UInt16(0))
        case .name(let name):
            if !isLast { buffer.writeInteger(UInt16(truncatingIfNeeded: name.utf8.count)) }
            buffer.writeString(name)
        }
    }
}

extension ByteBuffer {
    /// Success is left out.
    fileprivate mutating func write(_ reason: ReturnCode) {
        if reason != .accepted { writeInteger(reason.rawValue) }
    }
}
