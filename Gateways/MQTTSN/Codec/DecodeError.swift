/// Why a datagram is not an MQTT-SN 1.2 message. All but the last two are dropped without a reply.
enum DecodeError: Error, Hashable, Sendable {
    /// Shorter than a length field and a type.
    case tooShort
    /// The length field does not agree with the size of the datagram (MQTT-SN 5.2.1).
    case lengthMismatch
    /// Longer than `Limits.maximumPacketSize`, or a node id beyond `Limits.maximumNodeIDLength`.
    case tooLong
    /// A MsgType the standard reserves (MQTT-SN 5.2.2).
    case reservedType(UInt8)
    /// A mandatory field is missing.
    case truncated(PacketType)
    /// Octets follow the last field.
    case trailingOctets(PacketType)
    /// A CONNECT with a ProtocolId other than 01 (MQTT-SN 5.3.8); the sender is told "not supported".
    case unsupportedProtocol(UInt8)
    /// A name or client id is not UTF-8; requests are answered "not supported" with this MsgId.
    case invalidText(PacketType, messageID: UInt16)
}
