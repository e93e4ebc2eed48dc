public import NIOCore

/// The properties of one packet, in their order on the wire, which matters for user properties (MQTT-3.3.2-18).
/// Before 5.0 there are none; an empty list costs nothing.
public struct Properties: Equatable, Sendable, ExpressibleByArrayLiteral {
    public private(set) var list: [Property] = []

    public init() {}

    public init(arrayLiteral elements: Property...) { list = elements }

    public var isEmpty: Bool { list.isEmpty }

    public mutating func append(_ property: Property) { list.append(property) }

    /// Without reason string and user properties, which a sender leaves out when the packet would be too large: CONNACK
    /// (MQTT-3.2.2-19, MQTT-3.2.2-20), PUBACK (MQTT-3.4.2-2, MQTT-3.4.2-3), PUBREC (MQTT-3.5.2-2, MQTT-3.5.2-3), PUBREL (MQTT-3.6.2-2,
    /// MQTT-3.6.2-3), PUBCOMP (MQTT-3.7.2-2, MQTT-3.7.2-3), SUBACK (MQTT-3.9.2-1, MQTT-3.9.2-2), UNSUBACK (MQTT-3.11.2-1,
    /// MQTT-3.11.2-2) DISCONNECT (MQTT-3.14.2-3,
    /// MQTT-3.14.2-4) and AUTH (MQTT-3.15.2-2, MQTT-3.15.2-3).
    public var withoutExplanation: Properties {
        var rest = Properties()
        rest.list = list.filter { property in
            switch property {
            case .reasonString, .userProperty: false
            default: true
            }
        }
        return rest
    }
}

// MARK: - Looking one up

extension Properties {
    public var payloadFormatIndicator: Bool? {
        for case .payloadFormatIndicator(let isText) in list { return isText }
        return nil
    }

    /// Seconds.
    public var messageExpiryInterval: UInt32? {
        for case .messageExpiryInterval(let seconds) in list { return seconds }
        return nil
    }

    public var contentType: String? {
        for case .contentType(let type) in list { return type }
        return nil
    }

    public var responseTopic: String? {
        for case .responseTopic(let topic) in list { return topic }
        return nil
    }

    public var correlationData: ByteBuffer? {
        for case .correlationData(let bytes) in list { return bytes }
        return nil
    }

    /// The only one of a SUBSCRIBE.
    public var subscriptionIdentifier: UInt32? { subscriptionIdentifiers.first }

    /// All those of a PUBLISH.
    public var subscriptionIdentifiers: [UInt32] {
        var identifiers: [UInt32] = []
        for case .subscriptionIdentifier(let identifier) in list { identifiers.append(identifier) }
        return identifiers
    }

    /// Seconds; 0xFFFFFFFF never ends.
    public var sessionExpiryInterval: UInt32? {
        for case .sessionExpiryInterval(let seconds) in list { return seconds }
        return nil
    }

    public var assignedClientIdentifier: String? {
        for case .assignedClientIdentifier(let identifier) in list { return identifier }
        return nil
    }

    /// Seconds.
    public var serverKeepAlive: UInt16? {
        for case .serverKeepAlive(let seconds) in list { return seconds }
        return nil
    }

    public var authenticationMethod: String? {
        for case .authenticationMethod(let method) in list { return method }
        return nil
    }

    public var authenticationData: Secret? {
        for case .authenticationData(let data) in list { return data }
        return nil
    }

    /// True unless the client declined reason strings and user properties (MQTT 5.0, 3.1.2.11.7).
    public var requestsProblemInformation: Bool {
        for case .requestProblemInformation(let wanted) in list { return wanted }
        return true
    }

    /// False unless the client asks for response information (MQTT 5.0, 3.1.2.11.6).
    public var requestsResponseInformation: Bool {
        for case .requestResponseInformation(let wanted) in list { return wanted }
        return false
    }

    public var responseInformation: String? {
        for case .responseInformation(let text) in list { return text }
        return nil
    }

    public var serverReference: String? {
        for case .serverReference(let text) in list { return text }
        return nil
    }

    /// Seconds.
    public var willDelayInterval: UInt32? {
        for case .willDelayInterval(let seconds) in list { return seconds }
        return nil
    }

    public var reasonString: String? {
        for case .reasonString(let reason) in list { return reason }
        return nil
    }

    public var receiveMaximum: UInt16? {
        for case .receiveMaximum(let count) in list { return count }
        return nil
    }

    public var topicAliasMaximum: UInt16? {
        for case .topicAliasMaximum(let count) in list { return count }
        return nil
    }

    public var topicAlias: UInt16? {
        for case .topicAlias(let alias) in list { return alias }
        return nil
    }

    /// Exactly once unless the server says less.
    public var maximumQoS: QoS {
        for case .maximumQoS(let qos) in list { return qos }
        return .exactlyOnce
    }

    /// Bytes.
    public var maximumPacketSize: UInt32? {
        for case .maximumPacketSize(let bytes) in list { return bytes }
        return nil
    }

    public var userProperties: [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for case .userProperty(let name, let value) in list { pairs.append((name, value)) }
        return pairs
    }
}
