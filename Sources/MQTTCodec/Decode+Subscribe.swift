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
        var filters: [ReceivedFilter] = []
        let request = try self.filters(context, into: &filters)
        return Subscribe(
            request.packetIdentifier, filters: filters.map { Subscribe.Filter($0) }, properties: request.properties)
    }

    mutating func unsubscribe(_ context: Context) throws(DecodeError) -> Unsubscribe {
        var filters: [ReceivedFilter] = []
        let request = try self.filters(context, into: &filters)
        return Unsubscribe(
            request.packetIdentifier, filters: filters.map { String(checked: $0.text) }, properties: request.properties)
    }

    /// A SUBSCRIBE or UNSUBSCRIBE in place.
    /// - Parameter filters: gets its filters, after those that are there already.
    mutating func filters(
        _ context: Context, into filters: inout [ReceivedFilter]
    ) throws(DecodeError) -> FilterRequest {
        let identifier = try packetIdentifier()
        let properties = try headerProperties(context)
        let first = filters.count
        while !isAtEnd {
            guard filters.count - first < context.limits.filtersPerPacket else { throw .tooManyFields(type) }
            var filter = ReceivedFilter(try topicFilter())
            if type == .subscribe { try options(of: &filter, context) }
            filters.append(filter)
        }
        guard filters.count > first else { throw .noTopicFilters(type) }  // MQTT-3.8.3-2, MQTT-3.10.3-2
        return FilterRequest(type: type, packetIdentifier: identifier, properties: properties)
    }

    private mutating func options(of filter: inout ReceivedFilter, _ context: Context) throws(DecodeError) {
        let byte = try integer(UInt8.self)
        guard let qos = QoS(rawValue: byte & 0b11) else { throw .invalidQoS }
        filter.qos = qos
        guard context.version.hasProperties else {
            guard byte & 0b1111_1100 == 0 else { throw .invalidFlags(type) }  // MQTT 3.1.1, MQTT-3.8.3-4
            return
        }
        guard byte & 0b1100_0000 == 0, let handling = Subscribe.RetainHandling(rawValue: byte >> 4 & 0b11) else {
            throw .invalidFlags(type)  // MQTT-3.8.3-5
        }
        filter.noLocal = byte & 0b0100 != 0
        filter.retainAsPublished = byte & 0b1000 != 0
        filter.retainHandling = handling
        // MQTT-3.8.3-4
        if filter.noLocal, filter.text.starts(with: "$share/".utf8) { throw .noLocalOnShared }
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
