import NIOCore

/// PUBLISH (MQTT 5.0, 3.3) and its acknowledgements (3.4 to 3.7).
///
///     PUBLISH   flags: | DUP | QoS (2) | RETAIN |
///               | topic (2+n) | packet identifier (2, QoS > 0) | properties (5.0) | payload |
///     PUBACK …  | packet identifier (2) | reason (1, may be left out) | properties (5.0, may be left out) |
extension FieldReader {
    @inline(__always)  // what it returns is large and would be copied
    mutating func publish(flags: UInt8, _ context: Context) throws(DecodeError) -> ReceivedPublish {
        guard let qos = QoS(rawValue: flags >> 1 & 0b11) else { throw .invalidQoS }  // MQTT-3.3.1-4
        let isDuplicate = flags & 0b1000 != 0
        guard qos != .atMostOnce || !isDuplicate || context.version == .v31 else {
            throw .duplicateAtMostOnce  // MQTT-3.3.1-2
        }
        let topic = try topicName()
        let identifier = qos == .atMostOnce ? nil : try packetIdentifier()
        var properties: Properties = []
        if context.version.hasProperties {
            properties = try self.properties(in: .packet(.publish, from: context.sender), limits: context.limits)
        }
        // MQTT-4.7.3-1; with an alias the name may be left out (MQTT 5.0, 3.3.2.3.4).
        if topic.isEmpty, properties.topicAlias == nil { throw .invalidTopicName }
        return ReceivedPublish(
            isDuplicate: isDuplicate && qos != .atMostOnce, isRetained: flags & 1 != 0, qos: qos,
            packetIdentifier: identifier, topic: topic, properties: properties, payload: rest())
    }

    mutating func acknowledgement(_ context: Context) throws(DecodeError) -> Acknowledgement {
        let identifier = try packetIdentifier()
        guard context.version.hasProperties, !isAtEnd else { return Acknowledgement(identifier) }
        let code = try reasonCode(from: context.sender)
        return Acknowledgement(identifier, reasonCode: code, properties: try trailingProperties(context))
    }

    /// Properties that may be left out together with their length when there are none.
    mutating func trailingProperties(_ context: Context) throws(DecodeError) -> Properties {
        guard !isAtEnd else { return [] }
        return try properties(in: .packet(type, from: context.sender), limits: context.limits)
    }
}
