public import NIOCore

/// One property of a packet (MQTT 5.0, 2.2.2.2).
public enum Property: Equatable, Sendable {
    /// The payload is UTF-8 text.
    case payloadFormatIndicator(Bool)
    /// Seconds.
    case messageExpiryInterval(UInt32)
    case contentType(String)
    case responseTopic(String)
    case correlationData(ByteBuffer)
    /// 1...268,435,455.
    case subscriptionIdentifier(UInt32)
    /// Seconds; 0xFFFFFFFF never ends.
    case sessionExpiryInterval(UInt32)
    case assignedClientIdentifier(String)
    /// Seconds.
    case serverKeepAlive(UInt16)
    case authenticationMethod(String)
    case authenticationData(Secret)
    case requestProblemInformation(Bool)
    /// Seconds.
    case willDelayInterval(UInt32)
    case requestResponseInformation(Bool)
    case responseInformation(String)
    case serverReference(String)
    case reasonString(String)
    /// 1...65,535.
    case receiveMaximum(UInt16)
    case topicAliasMaximum(UInt16)
    /// 1...65,535.
    case topicAlias(UInt16)
    /// At most once or at least once; exactly once is said by leaving it out.
    case maximumQoS(QoS)
    case retainAvailable(Bool)
    case userProperty(name: String, value: String)
    /// Bytes, at least 1.
    case maximumPacketSize(UInt32)
    case wildcardSubscriptionAvailable(Bool)
    case subscriptionIdentifierAvailable(Bool)
    case sharedSubscriptionAvailable(Bool)
}

/// The number a property begins with on the wire (MQTT 5.0, table 2-4).
public enum PropertyIdentifier: UInt8, Sendable, CaseIterable {
    case payloadFormatIndicator = 0x01
    case messageExpiryInterval = 0x02
    case contentType = 0x03
    case responseTopic = 0x08
    case correlationData = 0x09
    case subscriptionIdentifier = 0x0B
    case sessionExpiryInterval = 0x11
    case assignedClientIdentifier = 0x12
    case serverKeepAlive = 0x13
    case authenticationMethod = 0x15
    case authenticationData = 0x16
    case requestProblemInformation = 0x17
    case willDelayInterval = 0x18
    case requestResponseInformation = 0x19
    case responseInformation = 0x1A
    case serverReference = 0x1C
    case reasonString = 0x1F
    case receiveMaximum = 0x21
    case topicAliasMaximum = 0x22
    case topicAlias = 0x23
    case maximumQoS = 0x24
    case retainAvailable = 0x25
    case userProperty = 0x26
    case maximumPacketSize = 0x27
    case wildcardSubscriptionAvailable = 0x28
    case subscriptionIdentifierAvailable = 0x29
    case sharedSubscriptionAvailable = 0x2A
}

/// Where a list of properties stands: in a packet, or inside CONNECT with the will.
enum PropertyPlace: Equatable {
    case packet(PacketType, from: Sender)
    case will

    /// The packet to name in errors.
    var packetType: PacketType {
        switch self {
        case .packet(let type, _): type
        case .will: .connect
        }
    }
}

extension PropertyIdentifier {
    /// MQTT 5.0, table 2-4, and the clauses that forbid a property to one of the two sides.
    func isAllowed(in place: PropertyPlace) -> Bool {
        guard case .packet(let type, let sender) = place else { return isAllowedInWill }
        switch self {
        case .payloadFormatIndicator, .messageExpiryInterval, .contentType, .responseTopic, .correlationData,
            .topicAlias:
            return type == .publish
        case .subscriptionIdentifier:
            return type == .subscribe || (type == .publish && sender == .server)  // MQTT-3.3.4-6
        case .sessionExpiryInterval:
            return type == .connect || type == .connack || (type == .disconnect && sender == .client)  // MQTT-3.14.2-2
        case .authenticationMethod, .authenticationData:
            return type == .connect || type == .connack || type == .auth
        case .requestProblemInformation, .requestResponseInformation:
            return type == .connect
        case .assignedClientIdentifier, .serverKeepAlive, .responseInformation, .maximumQoS, .retainAvailable,
            .wildcardSubscriptionAvailable, .subscriptionIdentifierAvailable, .sharedSubscriptionAvailable:
            return type == .connack
        case .willDelayInterval:
            return false
        case .serverReference:
            return type == .connack || (type == .disconnect && sender == .server)
        case .reasonString:
            return type.carriesReason
        case .receiveMaximum, .topicAliasMaximum, .maximumPacketSize:
            return type == .connect || type == .connack
        case .userProperty:
            return true
        }
    }

    private var isAllowedInWill: Bool {
        switch self {
        case .willDelayInterval, .payloadFormatIndicator, .messageExpiryInterval, .contentType, .responseTopic,
            .correlationData, .userProperty:
            true
        default: false
        }
    }

    /// MQTT 5.0, 2.2.2.2: all others stand at most once.
    func mayRepeat(in place: PropertyPlace) -> Bool {
        switch self {
        case .userProperty: true
        case .subscriptionIdentifier: place.packetType == .publish  // MQTT 5.0, 3.3.2.3.8
        default: false
        }
    }
}

extension PacketType {
    fileprivate var carriesReason: Bool {
        switch self {
        case .connack, .puback, .pubrec, .pubrel, .pubcomp, .suback, .unsuback, .disconnect, .auth: true
        case .connect, .publish, .subscribe, .unsubscribe, .pingreq, .pingresp: false
        }
    }
}
