/// Why bytes are not a packet. After one of these nothing on the connection can be trusted: it has to be closed, from 5.0 on
/// after a CONNACK or DISCONNECT with `reasonCode` (MQTT-4.13.1-1).
public enum DecodeError: Error, Equatable, Sendable {
    // MARK: Fixed header
    /// More than four bytes, or from 5.0 on more bytes than needed (MQTT-1.5.5-1).
    case malformedLength
    /// The packet says it is longer than `Limits.packetSize`.
    case packetTooLarge(declared: Int, limit: Int)
    /// Packet type 0, or AUTH before 5.0.
    case reservedPacketType
    /// The lower four bits of the first byte are not those of the type (MQTT-2.1.3-1).
    case reservedFlags(PacketType)
    /// The other side may not send this type, or not now (MQTT-3.1.0-1, MQTT-3.1.0-2).
    case unexpectedPacket(PacketType)

    // MARK: Shape
    /// The packet ends inside a field.
    case truncated(PacketType)
    /// Bytes are left after the last field.
    case trailingBytes(PacketType)
    /// Not well-formed UTF-8, or with U+0000 or surrogates in it (MQTT-1.5.4-1, MQTT-1.5.4-2).
    case malformedString
    /// A packet identifier of 0 (MQTT-2.2.1-3).
    case zeroPacketIdentifier(PacketType)
    /// Both QoS bits set (MQTT-3.3.1-4).
    case invalidQoS
    /// DUP set at QoS 0 (MQTT-3.3.1-2).
    case duplicateAtMostOnce
    /// A flag, option or reserved bit with a value the standard forbids.
    case invalidFlags(PacketType)
    /// More filters or properties than `Limits` allow.
    case tooManyFields(PacketType)

    // MARK: Connecting
    case unknownProtocolName
    /// CONNECT with a protocol level other than 3, 4 and 5 (MQTT-3.1.2-2).
    case unsupportedProtocolVersion(UInt8)

    // MARK: Topics
    /// Empty without an alias, or with a wildcard (MQTT-3.3.2-2, MQTT-4.7.3-1).
    case invalidTopicName
    /// Empty (MQTT-4.7.3-1).
    case invalidTopicFilter
    /// SUBSCRIBE or UNSUBSCRIBE without a filter (MQTT-3.8.3-2, MQTT-3.10.3-2).
    case noTopicFilters(PacketType)
    /// No-local asked for on a shared subscription (MQTT-3.8.3-4).
    case noLocalOnShared

    // MARK: Properties and reasons
    case unknownProperty(UInt32)
    /// A property in a packet it does not belong to.
    case misplacedProperty(PropertyIdentifier)
    /// A property that may stand once stands twice.
    case repeatedProperty(PropertyIdentifier)
    /// A value the standard forbids, e.g. a receive maximum of 0.
    case invalidPropertyValue(PropertyIdentifier)
    /// Authentication data without an authentication method, or AUTH without one (MQTT 5.0, 3.1.2.11.10 and 3.15.2.2.2).
    case missingAuthenticationMethod
    /// A topic alias of 0 (MQTT-3.3.2-8).
    case zeroTopicAlias
    /// A reason code that is unknown, or that this packet may not carry.
    case invalidReasonCode(UInt8, PacketType)

    /// What an MQTT 5.0 peer is told.
    public var reasonCode: ReasonCode {
        switch self {
        case .malformedLength, .reservedPacketType, .reservedFlags, .truncated, .trailingBytes, .malformedString,
            .invalidQoS, .duplicateAtMostOnce, .invalidFlags, .unknownProperty, .invalidReasonCode:
            .malformedPacket
        case .packetTooLarge: .packetTooLarge
        case .tooManyFields: .quotaExceeded
        case .unknownProtocolName, .unsupportedProtocolVersion: .unsupportedProtocolVersion
        case .invalidTopicName: .topicNameInvalid
        case .invalidTopicFilter: .topicFilterInvalid
        case .zeroTopicAlias: .topicAliasInvalid
        case .unexpectedPacket, .zeroPacketIdentifier, .noTopicFilters, .noLocalOnShared, .misplacedProperty,
            .repeatedProperty, .invalidPropertyValue, .missingAuthenticationMethod:
            .protocolError
        }
    }
}
