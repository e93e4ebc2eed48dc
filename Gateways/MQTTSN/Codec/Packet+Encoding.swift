import NIOCore

extension Packet {
    /// Largest message the length field can state (MQTT-SN 5.2.1).
    static let maximumEncodedLength = 65_535

    /// Octets of the whole message as `encode(into:)` writes it.
    var encodedLength: Int {
        if case .forwarderEncapsulation(let encapsulation) = self {
            return 3 + encapsulation.nodeID.readableBytes + encapsulation.message.readableBytes
        }
        // Some clients read acknowledgements at fixed offsets, so the short form is used wherever it can be.
        let length = bodyLength
        return length + 2 <= 255 ? length + 2 : length + 4
    }

    /// Appends the message. The caller has held it to the peer's packet size.
    func encode(into buffer: inout ByteBuffer) {
        if case .forwarderEncapsulation(let encapsulation) = self {
            encapsulation.encode(into: &buffer)
            return
        }
        let length = encodedLength
        precondition(length <= Self.maximumEncodedLength, "what the length field cannot state is refused before")
        if length <= 255 {
            buffer.writeInteger(UInt8(length))
        } else {
            buffer.writeInteger(UInt8(0x01))
            buffer.writeInteger(UInt16(length))
        }
        guard let code = type.code(in: .v12) else {
            preconditionFailure("a message of 2.0 is written by encode(into:version:)")
        }
        buffer.writeInteger(code)
        encodeBody(into: &buffer)
    }

    /// The MsgType of the message.
    var type: PacketType {
        switch self {
        case .advertise: .advertise
        case .searchGateway: .searchGateway
        case .gatewayInfo: .gatewayInfo
        case .connect: .connect
        case .connack: .connack
        case .willTopicRequest: .willTopicRequest
        case .willTopic: .willTopic
        case .willMessageRequest: .willMessageRequest
        case .willMessage: .willMessage
        case .register: .register
        case .regack: .regack
        case .publish: .publish
        case .puback: .puback
        case .pubcomp: .pubcomp
        case .pubrec: .pubrec
        case .pubrel: .pubrel
        case .subscribe: .subscribe
        case .suback: .suback
        case .unsubscribe: .unsubscribe
        case .unsuback: .unsuback
        case .pingreq: .pingreq
        case .pingresp: .pingresp
        case .disconnect: .disconnect
        case .willTopicUpdate: .willTopicUpdate
        case .willTopicResponse: .willTopicResponse
        case .willMessageUpdate: .willMessageUpdate
        case .willMessageResponse: .willMessageResponse
        case .forwarderEncapsulation: .forwarderEncapsulation
        case .connectDraft: .connect
        case .connackDraft: .connack
        case .auth: .auth
        case .publishDraft: .publish
        case .publishWithoutSession: .publishWithoutSession
        case .subscribeDraft: .subscribe
        case .subackDraft: .suback
        case .unsubscribeDraft: .unsubscribe
        case .unsubackDraft: .unsuback
        case .pubackDraft: .puback
        case .pubrecDraft: .pubrec
        case .pubrelDraft: .pubrel
        case .pubcompDraft: .pubcomp
        case .pingreqDraft: .pingreq
        case .pingrespDraft: .pingresp
        case .disconnectDraft: .disconnect
        case .sleepRequest: .sleepRequest
        case .sleepResponse: .sleepResponse
        case .wakeUp: .wakeUp
        case .connectionEncapsulation: .connectionEncapsulation
        }
    }

    private var bodyLength: Int {
        switch self {
        case .advertise: 3
        case .searchGateway, .connack, .willTopicResponse, .willMessageResponse: 1
        case .gatewayInfo(let info): 1 + info.address.readableBytes
        case .connect(let connect): 4 + connect.clientID.utf8.count
        case .willTopicRequest, .willMessageRequest, .pingresp: 0
        case .willTopic(let will), .willTopicUpdate(let will): will.map { 1 + $0.topicName.utf8.count } ?? 0
        case .willMessage(let payload), .willMessageUpdate(let payload): payload.readableBytes
        case .register(let register): 4 + register.topicName.utf8.count
        case .regack, .puback: 5
        case .publish(let publish): 5 + publish.payload.readableBytes
        case .pubcomp, .pubrec, .pubrel, .unsuback: 2
        case .subscribe(let subscribe): 3 + subscribe.topic.encodedLength
        case .suback: 6
        case .unsubscribe(let unsubscribe): 3 + unsubscribe.topic.encodedLength
        case .pingreq(let clientID): clientID?.utf8.count ?? 0
        case .disconnect(let duration): duration == nil ? 0 : 2
        case .forwarderEncapsulation: preconditionFailure("an encapsulation has no length of this kind")
        default: preconditionFailure("a message of 2.0 is written by encode(into:version:)")
        }
    }

    private func encodeBody(into buffer: inout ByteBuffer) {
        switch self {
        case .advertise(let advertise):
            buffer.writeInteger(advertise.gatewayID)
            buffer.writeInteger(advertise.duration)
        case .searchGateway(let radius):
            buffer.writeInteger(radius)
        case .gatewayInfo(let info):
            buffer.writeInteger(info.gatewayID)
            buffer.writeImmutableBuffer(info.address)
        case .connect(let connect):
            buffer.writeInteger(Flags(will: connect.will, cleanSession: connect.cleanSession).rawValue)
            buffer.writeInteger(UInt8(0x01))
            buffer.writeInteger(connect.duration)
            buffer.writeString(connect.clientID)
        case .connack(let returnCode), .willTopicResponse(let returnCode), .willMessageResponse(let returnCode):
            buffer.writeInteger(returnCode.rawValue)
        case .willTopicRequest, .willMessageRequest, .pingresp:
            break
        case .willTopic(let will), .willTopicUpdate(let will):
            will?.encode(into: &buffer)
        case .willMessage(let payload), .willMessageUpdate(let payload):
            buffer.writeImmutableBuffer(payload)
        case .register(let register):
            buffer.writeInteger(register.topicID)
            buffer.writeInteger(register.messageID)
            buffer.writeString(register.topicName)
        case .regack(let acknowledgement), .puback(let acknowledgement):
            buffer.writeInteger(acknowledgement.topicID)
            buffer.writeInteger(acknowledgement.messageID)
            buffer.writeInteger(acknowledgement.returnCode.rawValue)
        case .publish(let publish):
            publish.encode(into: &buffer)
        case .pubcomp(let messageID), .pubrec(let messageID), .pubrel(let messageID), .unsuback(let messageID):
            buffer.writeInteger(messageID)
        case .subscribe(let subscribe):
            let flags = Flags(
                isDuplicate: subscribe.isDuplicate, qos: subscribe.qos, topicIDType: subscribe.topic.type)
            buffer.writeInteger(flags.rawValue)
            buffer.writeInteger(subscribe.messageID)
            subscribe.topic.encode(into: &buffer)
        case .suback(let suback):
            buffer.writeInteger(Flags(qos: suback.qos).rawValue)
            buffer.writeInteger(suback.topicID)
            buffer.writeInteger(suback.messageID)
            buffer.writeInteger(suback.returnCode.rawValue)
        case .unsubscribe(let unsubscribe):
            buffer.writeInteger(Flags(topicIDType: unsubscribe.topic.type).rawValue)
            buffer.writeInteger(unsubscribe.messageID)
            unsubscribe.topic.encode(into: &buffer)
        case .pingreq(let clientID):
            buffer.writeString(clientID ?? "")
        case .disconnect(let duration):
            if let duration { buffer.writeInteger(duration) }
        case .forwarderEncapsulation:
            preconditionFailure("an encapsulation is written by ForwarderEncapsulation.encode")
        default: preconditionFailure("a message of 2.0 is written by encode(into:version:)")
        }
    }
}

extension Packet.WillTopic {
    fileprivate func encode(into buffer: inout ByteBuffer) {
        buffer.writeInteger(Flags(qos: qos, retain: retain).rawValue)
        buffer.writeString(topicName)
    }
}

extension Packet.Publish {
    fileprivate func encode(into buffer: inout ByteBuffer) {
        let flags = Flags(isDuplicate: isDuplicate, qos: qos, retain: retain, topicIDType: topicID.type)
        buffer.writeInteger(flags.rawValue)
        buffer.writeInteger(topicID.value)
        buffer.writeInteger(messageID)
        buffer.writeImmutableBuffer(payload)
    }
}

extension Packet.Topic {
    fileprivate var type: TopicIDType {
        switch self {
        case .name: .normal
        case .predefined: .predefined
        case .short: .short
        case .alias: preconditionFailure("1.2 subscribes by name, predefined id or short name")
        case .reserved: .reserved
        }
    }

    fileprivate var encodedLength: Int {
        switch self {
        case .name(let name): name.utf8.count
        case .predefined, .short, .alias: 2
        case .reserved: 0
        }
    }

    fileprivate func encode(into buffer: inout ByteBuffer) {
        switch self {
        case .name(let name): buffer.writeString(name)
        case .predefined(let value), .short(let value), .alias(let value): buffer.writeInteger(value)
        case .reserved: break
        }
    }
}

extension Packet.ForwarderEncapsulation {
    fileprivate func encode(into buffer: inout ByteBuffer) {
        let length = 3 + nodeID.readableBytes
        precondition(length <= 255, "a node id is held to Limits.maximumNodeIDLength when it is read")
        buffer.writeInteger(UInt8(length))
        buffer.writeInteger(UInt8(0xFE))
        buffer.writeInteger(radius & 0x03)
        buffer.writeImmutableBuffer(nodeID)
        buffer.writeImmutableBuffer(message)
    }
}
