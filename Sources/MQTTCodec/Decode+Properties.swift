import NIOCore

extension FieldReader {
    /// A property length and that many bytes of properties (MQTT 5.0, 2.2.2).
    ///
    ///     | length (1-4) | id (1) value | id (1) value | … |
    mutating func properties(in place: PropertyPlace, limits: Limits) throws(DecodeError) -> Properties {
        let length = try variableByteInteger()
        guard length > 0 else { return [] }
        var reader = FieldReader(try slice(length), of: type)
        var properties = Properties()
        var seen: UInt64 = 0
        while !reader.isAtEnd {
            guard properties.list.count < limits.propertiesPerPacket else { throw .tooManyFields(type) }
            let identifier = try reader.propertyIdentifier()
            guard identifier.isAllowed(in: place) else { throw .misplacedProperty(identifier) }
            let bit = UInt64(1) << UInt64(identifier.rawValue)
            guard seen & bit == 0 || identifier.mayRepeat(in: place) else { throw .repeatedProperty(identifier) }
            seen |= bit
            properties.append(try reader.property(identifier))
        }
        return properties
    }

    private mutating func propertyIdentifier() throws(DecodeError) -> PropertyIdentifier {
        let value = try variableByteInteger()
        guard let byte = UInt8(exactly: value), let identifier = PropertyIdentifier(rawValue: byte) else {
            throw .unknownProperty(UInt32(value))
        }
        return identifier
    }

    private mutating func property(_ identifier: PropertyIdentifier) throws(DecodeError) -> Property {
        switch identifier {
        case .payloadFormatIndicator: .payloadFormatIndicator(try flag(identifier))
        case .messageExpiryInterval: .messageExpiryInterval(try integer())
        case .contentType: .contentType(try string())
        case .responseTopic: .responseTopic(try responseTopic())
        case .correlationData: .correlationData(try binary())
        case .subscriptionIdentifier: .subscriptionIdentifier(try subscriptionIdentifier())
        case .sessionExpiryInterval: .sessionExpiryInterval(try integer())
        case .assignedClientIdentifier: .assignedClientIdentifier(try string())
        case .serverKeepAlive: .serverKeepAlive(try integer())
        case .authenticationMethod: .authenticationMethod(try string())
        case .authenticationData: .authenticationData(Secret(try binary()))
        case .requestProblemInformation: .requestProblemInformation(try flag(identifier))
        case .willDelayInterval: .willDelayInterval(try integer())
        case .requestResponseInformation: .requestResponseInformation(try flag(identifier))
        case .responseInformation: .responseInformation(try string())
        case .serverReference: .serverReference(try string())
        case .reasonString: .reasonString(try string())
        case .receiveMaximum: .receiveMaximum(try positive(identifier))
        case .topicAliasMaximum: .topicAliasMaximum(try integer())
        case .topicAlias: .topicAlias(try topicAlias())
        case .maximumQoS: .maximumQoS(try flag(identifier) ? .atLeastOnce : .atMostOnce)
        case .retainAvailable: .retainAvailable(try flag(identifier))
        case .userProperty: .userProperty(name: try string(), value: try string())
        case .maximumPacketSize: .maximumPacketSize(try positive(identifier))
        case .wildcardSubscriptionAvailable: .wildcardSubscriptionAvailable(try flag(identifier))
        case .subscriptionIdentifierAvailable: .subscriptionIdentifierAvailable(try flag(identifier))
        case .sharedSubscriptionAvailable: .sharedSubscriptionAvailable(try flag(identifier))
        }
    }

    /// A byte that is 0 or 1; another value is a protocol error wherever it occurs (e.g. MQTT 5.0, 3.1.2.11.6).
    private mutating func flag(_ identifier: PropertyIdentifier) throws(DecodeError) -> Bool {
        switch try integer(UInt8.self) {
        case 0: return false
        case 1: return true
        default: throw .invalidPropertyValue(identifier)
        }
    }

    /// A receive maximum or maximum packet size of 0 is a protocol error (MQTT 5.0, 3.1.2.11.3, 3.1.2.11.4).
    private mutating func positive<Integer: FixedWidthInteger>(
        _ identifier: PropertyIdentifier
    ) throws(DecodeError) -> Integer {
        let value = try integer(Integer.self)
        guard value != 0 else { throw .invalidPropertyValue(identifier) }
        return value
    }

    private mutating func subscriptionIdentifier() throws(DecodeError) -> UInt32 {
        let value = try variableByteInteger()
        guard value != 0 else { throw .invalidPropertyValue(.subscriptionIdentifier) }  // MQTT 5.0, 3.8.2.1.2
        return UInt32(value)
    }

    private mutating func topicAlias() throws(DecodeError) -> UInt16 {
        let alias = try integer(UInt16.self)
        guard alias != 0 else { throw .zeroTopicAlias }  // MQTT-3.3.2-8
        return alias
    }

    private mutating func responseTopic() throws(DecodeError) -> String {
        let topic = try topicName()  // no wildcards: MQTT-3.3.2-14
        guard !topic.isEmpty else { throw .invalidTopicName }
        return String(decoding: topic, as: UTF8.self)
    }
}
