public import NIOCore

/// Writes packets in their shortest form (MQTT-2.2.2-1: no properties are said by their length 0). Deliveries have an entry of their own: `Encode+Delivery.swift`.
public enum PacketEncoder {
    /// Appends `packet` to `buffer` as `version` has it: what a version does not know, properties above all, is left out.
    ///
    /// Texts and binary fields must have at most 65,535 bytes and the packet at most 268,435,455; the caller bounds them.
    /// CONNECT is written in its own version.
    public static func encode(_ packet: Packet, into buffer: inout ByteBuffer, version: ProtocolVersion) {
        switch packet {
        case .suback(let subAck): return encodeSubAck(subAck, into: &buffer, version)
        case .unsuback(let unsubAck): return encodeUnsubAck(unsubAck, into: &buffer, version)
        default: break
        }
        if let identifier = packet.plainAcknowledgement {
            return encodeAcknowledgement(packet.type, identifier, into: &buffer)
        }
        buffer.writeInteger(packet.firstByte)
        buffer.writeWithVariableLength { buffer in
            switch packet {
            case .connect(let connect): buffer.writeConnect(connect)
            case .connack(let connAck): buffer.writeConnAck(connAck, version)
            case .publish(let publish): buffer.writePublish(publish, version)
            case .puback(let acknowledgement), .pubrec(let acknowledgement), .pubrel(let acknowledgement),
                .pubcomp(let acknowledgement):
                buffer.writeAcknowledgement(acknowledgement, version)
            case .subscribe(let subscribe): buffer.writeSubscribe(subscribe, version)
            case .unsubscribe(let unsubscribe): buffer.writeUnsubscribe(unsubscribe, version)
            case .suback, .unsuback, .pingreq, .pingresp: break
            case .disconnect(let disconnect): buffer.writeReason(disconnect.reasonCode, disconnect.properties, version)
            case .auth(let auth): buffer.writeReason(auth.reasonCode, auth.properties, version)
            }
        }
    }
}

extension PacketEncoder {
    /// Octets that `encodeAcknowledgement` appends.
    public static let acknowledgementSize = 4

    /// Appends a PUBACK, PUBREC, PUBREL or PUBCOMP that says no more than its identifier, in any version.
    @inline(__always)
    public static func encodeAcknowledgement(
        _ type: PacketType, _ identifier: PacketIdentifier, into buffer: inout ByteBuffer
    ) {
        buffer.writeInteger(acknowledgement(type, identifier.rawValue))
    }

    /// Appends PUBACKs that say no more than their identifiers, all in one piece of room.
    public static func encodeAcknowledgements(_ identifiers: [UInt16], into buffer: inout ByteBuffer) {
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: identifiers.count * acknowledgementSize) { room in
            for index in identifiers.indices {
                let packet = acknowledgement(.puback, identifiers[index])
                room.storeBytes(of: packet.bigEndian, toByteOffset: index * acknowledgementSize, as: UInt32.self)
            }
            return identifiers.count * acknowledgementSize
        }
    }

    ///     ┌──────┬───────┬───┬────────────┐
    ///     │ type │ flags │ 2 │ identifier │
    ///     └──────┴───────┴───┴────────────┘
    @inline(__always)
    private static func acknowledgement(_ type: PacketType, _ identifier: UInt16) -> UInt32 {
        let first = type.rawValue << 4 | (type.requiredFlags ?? 0)
        return UInt32(first) << 24 | 2 << 16 | UInt32(identifier)
    }
}

extension Packet {
    fileprivate var firstByte: UInt8 {
        guard case .publish(let publish) = self else { return type.rawValue << 4 | (type.requiredFlags ?? 0) }
        return PublishHeader(publish).firstByte
    }

    /// The identifier of an acknowledgement that says no more than that: as nearly all do.
    fileprivate var plainAcknowledgement: PacketIdentifier? {
        switch self {
        case .puback(let packet), .pubrec(let packet), .pubrel(let packet), .pubcomp(let packet):
            packet.reasonCode == .success && packet.properties.isEmpty ? packet.packetIdentifier : nil
        default: nil
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func writeConnect(_ connect: Connect) {
        writeText(connect.version.protocolName)
        writeInteger(connect.version.rawValue)
        writeInteger(ConnectFlags(connect).rawValue)
        writeInteger(connect.keepAlive)
        if connect.version.hasProperties { writeProperties(connect.properties) }
        writeText(connect.clientIdentifier)
        if let will = connect.will {
            if connect.version.hasProperties { writeProperties(will.properties) }
            writeText(will.topic)
            writeBinary(will.payload)
        }
        if let userName = connect.userName { writeText(userName) }
        if let password = connect.password { writeBinary(password.bytes) }
    }

    fileprivate mutating func writeConnAck(_ connAck: ConnAck, _ version: ProtocolVersion) {
        let isSessionPresent = connAck.isSessionPresent && !connAck.reasonCode.isFailure  // MQTT-3.2.2-6
        writeInteger(isSessionPresent && version != .v31 ? 1 : 0 as UInt8)
        guard version.hasProperties else {
            writeInteger(connAck.reasonCode.connectReturnCode)
            return
        }
        writeInteger(connAck.reasonCode.rawValue)
        writeProperties(connAck.properties)
    }

    fileprivate mutating func writePublish(_ publish: Publish, _ version: ProtocolVersion) {
        writeBinary(publish.topic)
        if let identifier = publish.packetIdentifier { writeInteger(identifier.rawValue) }
        if version.hasProperties { writeProperties(publish.properties) }
        writeImmutableBuffer(publish.payload)
    }

    fileprivate mutating func writeAcknowledgement(_ acknowledgement: Acknowledgement, _ version: ProtocolVersion) {
        writeInteger(acknowledgement.packetIdentifier.rawValue)
        writeReason(acknowledgement.reasonCode, acknowledgement.properties, version)
    }

    /// Success without properties is said by leaving both out, no properties by leaving out their length
    /// (MQTT 5.0, 3.4.2.1, 3.14.2.1).
    fileprivate mutating func writeReason(_ code: ReasonCode, _ properties: Properties, _ version: ProtocolVersion) {
        guard version.hasProperties, code != .success || !properties.isEmpty else { return }
        writeInteger(code.rawValue)
        if !properties.isEmpty { writeProperties(properties) }
    }

    fileprivate mutating func writeSubscribe(_ subscribe: Subscribe, _ version: ProtocolVersion) {
        writeInteger(subscribe.packetIdentifier.rawValue)
        if version.hasProperties { writeProperties(subscribe.properties) }
        for filter in subscribe.filters {
            writeText(filter.filter)
            writeInteger(version.hasProperties ? filter.options : filter.qos.rawValue)
        }
    }

    fileprivate mutating func writeUnsubscribe(_ unsubscribe: Unsubscribe, _ version: ProtocolVersion) {
        writeInteger(unsubscribe.packetIdentifier.rawValue)
        if version.hasProperties { writeProperties(unsubscribe.properties) }
        for filter in unsubscribe.filters { writeText(filter) }
    }
}

extension ConnectFlags {
    fileprivate init(_ connect: Connect) {
        self = []
        if connect.cleanStart { insert(.cleanStart) }
        if let will = connect.will {
            insert([.will, Self(rawValue: will.qos.rawValue << 3)])
            if will.isRetained { insert(.willRetain) }
        }
        if connect.userName != nil { insert(.userName) }
        if connect.password != nil { insert(.password) }
    }
}

extension Subscribe.Filter {
    fileprivate var options: UInt8 {
        qos.rawValue | (noLocal ? 0b0100 : 0) | (retainAsPublished ? 0b1000 : 0) | retainHandling.rawValue << 4
    }
}
