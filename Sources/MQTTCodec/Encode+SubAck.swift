public import NIOCore

/// SUBACK and UNSUBACK (MQTT 5.0, 3.9, 3.11). A client that looks at many things for a moment gets one of each for each of them.
extension PacketEncoder {
    static func encodeSubAck(_ subAck: SubAck, into buffer: inout ByteBuffer, _ version: ProtocolVersion) {
        encode(.suback, subAck.packetIdentifier, subAck.properties, subAck.reasonCodes, into: &buffer, version)
    }

    static func encodeUnsubAck(_ unsubAck: UnsubAck, into buffer: inout ByteBuffer, _ version: ProtocolVersion) {
        let codes = version.hasProperties ? unsubAck.reasonCodes : []
        encode(.unsuback, unsubAck.packetIdentifier, unsubAck.properties, codes, into: &buffer, version)
    }

    /// Appends a SUBACK or UNSUBACK without properties.
    public static func encodeAnswer(
        to request: FilterRequest, _ codes: [ReasonCode], into buffer: inout ByteBuffer, version: ProtocolVersion
    ) {
        if request.type == .subscribe {
            encode(.suback, request.packetIdentifier, [], codes, into: &buffer, version)
        } else {
            encode(.unsuback, request.packetIdentifier, [], version.hasProperties ? codes : [], into: &buffer, version)
        }
    }

    private static func encode(
        _ type: PacketType, _ identifier: PacketIdentifier, _ properties: Properties, _ codes: [ReasonCode],
        into buffer: inout ByteBuffer, _ version: ProtocolVersion
    ) {
        var remainingLength = 2 + codes.count
        var propertiesSize = 0
        if version.hasProperties {
            propertiesSize = properties.encodedSize
            remainingLength += VariableByteInteger.size(of: propertiesSize) + propertiesSize
        }
        let size = 1 + VariableByteInteger.size(of: remainingLength) + remainingLength
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { bytes in
            var writer = FieldWriter(bytes)
            writer.write(type.rawValue << 4)
            writer.write(variable: remainingLength)
            writer.write(identifier.rawValue)
            if version.hasProperties { writer.write(variable: propertiesSize) }
            if propertiesSize == 0 { writer.write(codes, version) }
            return writer.position
        }
        guard propertiesSize > 0 else { return }
        for property in properties.list { buffer.writeProperty(property) }
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: codes.count) { bytes in
            var writer = FieldWriter(bytes)
            writer.write(codes, version)
            return writer.position
        }
    }
}

extension FieldWriter {
    fileprivate mutating func write(_ codes: [ReasonCode], _ version: ProtocolVersion) {
        for code in codes {
            // MQTT 3.1.1, MQTT-3.9.3-2
            write((version.hasProperties || !code.isFailure ? code : .unspecifiedError).rawValue)
        }
    }
}
