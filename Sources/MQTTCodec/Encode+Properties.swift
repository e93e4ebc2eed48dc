import NIOCore

extension ByteBuffer {
    mutating func writeProperties(_ properties: Properties) {
        writeVariableByteInteger(properties.encodedSize)
        for property in properties.list { writeProperty(property) }
    }

    mutating func writeProperty(_ property: Property) {
        switch property {
        case .payloadFormatIndicator(let value): writeProperty(.payloadFormatIndicator, flag: value)
        case .messageExpiryInterval(let value): writeProperty(.messageExpiryInterval, value)
        case .contentType(let value): writeProperty(.contentType, value)
        case .responseTopic(let value): writeProperty(.responseTopic, value)
        case .correlationData(let value): writeProperty(.correlationData, value)
        case .subscriptionIdentifier(let value): writeSubscriptionIdentifier(value)
        case .sessionExpiryInterval(let value): writeProperty(.sessionExpiryInterval, value)
        case .assignedClientIdentifier(let value): writeProperty(.assignedClientIdentifier, value)
        case .serverKeepAlive(let value): writeProperty(.serverKeepAlive, value)
        case .authenticationMethod(let value): writeProperty(.authenticationMethod, value)
        case .authenticationData(let value): writeProperty(.authenticationData, value.bytes)
        case .requestProblemInformation(let value): writeProperty(.requestProblemInformation, flag: value)
        case .willDelayInterval(let value): writeProperty(.willDelayInterval, value)
        case .requestResponseInformation(let value): writeProperty(.requestResponseInformation, flag: value)
        case .responseInformation(let value): writeProperty(.responseInformation, value)
        case .serverReference(let value): writeProperty(.serverReference, value)
        case .reasonString(let value): writeProperty(.reasonString, value)
        case .receiveMaximum(let value): writeProperty(.receiveMaximum, value)
        case .topicAliasMaximum(let value): writeProperty(.topicAliasMaximum, value)
        case .topicAlias(let value): writeProperty(.topicAlias, value)
        case .maximumQoS(let value): writeMaximumQoS(value)
        case .retainAvailable(let value): writeProperty(.retainAvailable, flag: value)
        case .userProperty(let name, let value): writeUserProperty(name, value)
        case .maximumPacketSize(let value): writeProperty(.maximumPacketSize, value)
        case .wildcardSubscriptionAvailable(let value): writeProperty(.wildcardSubscriptionAvailable, flag: value)
        case .subscriptionIdentifierAvailable(let value): writeProperty(.subscriptionIdentifierAvailable, flag: value)
        case .sharedSubscriptionAvailable(let value): writeProperty(.sharedSubscriptionAvailable, flag: value)
        }
    }

    private mutating func writeProperty(_ identifier: PropertyIdentifier, flag: Bool) {
        writeProperty(identifier, flag ? 1 : 0 as UInt8)
    }

    private mutating func writeProperty(_ identifier: PropertyIdentifier, _ value: some FixedWidthInteger) {
        writeInteger(identifier.rawValue)
        writeInteger(value)
    }

    private mutating func writeProperty(_ identifier: PropertyIdentifier, _ value: String) {
        writeInteger(identifier.rawValue)
        writeText(value)
    }

    private mutating func writeProperty(_ identifier: PropertyIdentifier, _ value: ByteBuffer) {
        writeInteger(identifier.rawValue)
        writeBinary(value)
    }

    private mutating func writeSubscriptionIdentifier(_ value: UInt32) {
        writeInteger(PropertyIdentifier.subscriptionIdentifier.rawValue)
        writeVariableByteInteger(Int(value))
    }

    private mutating func writeUserProperty(_ name: String, _ value: String) {
        writeProperty(.userProperty, name)
        writeText(value)
    }

    /// Exactly once is said by silence (MQTT 5.0, 3.2.2.3.4).
    private mutating func writeMaximumQoS(_ qos: QoS) {
        guard qos != .exactlyOnce else { return }
        writeProperty(.maximumQoS, qos.rawValue)
    }
}

extension Properties {
    /// Bytes of the list, without its length.
    var encodedSize: Int { list.reduce(0) { $0 + $1.encodedSize } }
}

extension Property {
    /// Bytes on the wire, identifier included.
    var encodedSize: Int {
        switch self {
        case .payloadFormatIndicator, .requestProblemInformation, .requestResponseInformation, .retainAvailable,
            .wildcardSubscriptionAvailable, .subscriptionIdentifierAvailable, .sharedSubscriptionAvailable:
            2
        case .maximumQoS(let qos): qos == .exactlyOnce ? 0 : 2
        case .serverKeepAlive, .receiveMaximum, .topicAliasMaximum, .topicAlias: 3
        case .messageExpiryInterval, .sessionExpiryInterval, .willDelayInterval, .maximumPacketSize: 5
        case .subscriptionIdentifier(let value): 1 + VariableByteInteger.size(of: Int(value))
        case .contentType(let text), .responseTopic(let text), .assignedClientIdentifier(let text),
            .authenticationMethod(let text), .responseInformation(let text), .serverReference(let text),
            .reasonString(let text):
            3 + text.utf8.count
        case .correlationData(let bytes): 3 + bytes.readableBytes
        case .authenticationData(let secret): 3 + secret.bytes.readableBytes
        case .userProperty(let name, let value): 5 + name.utf8.count + value.utf8.count
        }
    }
}

extension ByteBuffer {
    /// Two bytes of length, then the text (MQTT 5.0, 1.5.4).
    mutating func writeText(_ text: String) {
        let length = text.utf8.count
        precondition(length <= UInt16.max, "a string in a packet has at most 65,535 bytes")
        writeInteger(UInt16(length))
        writeString(text)
    }

    /// Two bytes of length, then the bytes (MQTT 5.0, 1.5.6).
    mutating func writeBinary(_ bytes: ByteBuffer) {
        precondition(bytes.readableBytes <= UInt16.max, "binary data in a packet has at most 65,535 bytes")
        writeInteger(UInt16(bytes.readableBytes))
        writeImmutableBuffer(bytes)
    }
}
