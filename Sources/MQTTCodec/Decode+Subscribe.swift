import NIOCore

/// SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK (MQTT 5.0, 3.8 to 3.11).
///
///     SUBSCRIBE   | packet identifier (2) | properties (5.0) | filter (2+n) options (1) | …
///     options     | 0 | 0 | retain handling (2) | retain as published | no local | QoS (2) |      before 5.0 only QoS
///     SUBACK      | packet identifier (2) | properties (5.0) | reason (1) | …
///     UNSUBSCRIBE | packet identifier (2) | properties (5.0) | filter (2+n) | …
///     UNSUBACK    | packet identifier (2) | properties (5.0) | reason (1, 5.0) | …
extension FieldReader {
    mutating func subscribe(_ context: Context) throws(DecodeError) -> Subscribe {
        let identifier = try packetIdentifier()
        let properties = try headerProperties(context)
        var filters: [Subscribe.Filter] = []
        while !isAtEnd {
            guard filters.count < context.limits.filtersPerPacket else { throw .tooManyFields(type) }
            let filter = try topicFilter()
            filters.append(try options(of: filter, context))
        }
        guard !filters.isEmpty else { throw .noTopicFilters(type) }  // MQTT-3.8.3-2
        return Subscribe(identifier, filters: filters, properties: properties)
    }

    private mutating func options(of filter: String, _ context: Context) throws(DecodeError) -> Subscribe.Filter {
        let byte = try integer(UInt8.self)
        guard let qos = QoS(rawValue: byte & 0b11) else { throw .invalidQoS }
        guard context.version.hasProperties else {
            guard byte & 0b1111_1100 == 0 else { throw .invalidFlags(type) }  // MQTT 3.1.1, MQTT-3.8.3-4
            return Subscribe.Filter(filter, qos: qos)
        }
        guard byte & 0b1100_0000 == 0, let handling = Subscribe.RetainHandling(rawValue: byte >> 4 & 0b11) else {
            throw .invalidFlags(type)  // MQTT-3.8.3-5
        }
        let noLocal = byte & 0b0100 != 0
        guard !noLocal || !filter.utf8.starts(with: "$share/".utf8) else { throw .noLocalOnShared }  // MQTT-3.8.3-4
        return Subscribe.Filter(
            filter, qos: qos, noLocal: noLocal, retainAsPublished: byte & 0b1000 != 0, retainHandling: handling)
    }

    mutating func unsubscribe(_ context: Context) throws(DecodeError) -> Unsubscribe {
        let identifier = try packetIdentifier()
        let properties = try headerProperties(context)
        var filters: [String] = []
        while !isAtEnd {
            guard filters.count < context.limits.filtersPerPacket else { throw .tooManyFields(type) }
            filters.append(try topicFilter())
        }
        guard !filters.isEmpty else { throw .noTopicFilters(type) }  // MQTT-3.10.3-2
        return Unsubscribe(identifier, filters: filters, properties: properties)
    }

    mutating func subAck(_ context: Context) throws(DecodeError) -> SubAck {
        let identifier = try packetIdentifier()
        let properties = try headerProperties(context)
        return SubAck(identifier, reasonCodes: try reasonCodes(context), properties: properties)
    }

    mutating func unsubAck(_ context: Context) throws(DecodeError) -> UnsubAck {
        let identifier = try packetIdentifier()
        let properties = try headerProperties(context)
        guard context.version.hasProperties else { return UnsubAck(identifier) }
        return UnsubAck(identifier, reasonCodes: try reasonCodes(context), properties: properties)
    }

    private mutating func reasonCodes(_ context: Context) throws(DecodeError) -> [ReasonCode] {
        var codes: [ReasonCode] = []
        while !isAtEnd {
            guard codes.count < context.limits.filtersPerPacket else { throw .tooManyFields(type) }
            let code = try reasonCode(from: context.sender)
            // MQTT 3.1.1, MQTT-3.9.3-2 knows one failure only.
            guard context.version.hasProperties || !code.isFailure || code == .unspecifiedError else {
                throw .invalidReasonCode(code.rawValue, type)
            }
            codes.append(code)
        }
        return codes
    }

    /// Properties at the end of the variable header, present from 5.0 on.
    private mutating func headerProperties(_ context: Context) throws(DecodeError) -> Properties {
        guard context.version.hasProperties else { return [] }
        return try properties(in: .packet(type, from: context.sender), limits: context.limits)
    }
}
