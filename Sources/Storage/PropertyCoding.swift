import Messaging

/// Message properties as one column.
///
///     ┌───────┬──────────────┬────────────────┬───────────────────┬───────────────────────────┐
///     │ flags │ content type │ response topic │ correlation data  │ name, value, name, value … │
///     └───────┴──────────────┴────────────────┴───────────────────┴───────────────────────────┘
///      1 octet  each: length (4 octets, big endian) and octets; absent ones are left out
///
/// flags: 1 payload is UTF-8, 2 content type, 4 response topic, 8 correlation data, 16 payload of unspecified format.
enum PropertyCoding {
    private struct Flags: OptionSet {
        let rawValue: UInt8
        static let utf8 = Flags(rawValue: 1)
        static let contentType = Flags(rawValue: 2)
        static let responseTopic = Flags(rawValue: 4)
        static let correlationData = Flags(rawValue: 8)
        static let unspecifiedFormat = Flags(rawValue: 16)

        init(rawValue: UInt8) { self.rawValue = rawValue }

        init(_ format: PayloadFormat?) {
            self =
                switch format {
                case .utf8: .utf8
                case .unspecified: .unspecifiedFormat
                case nil: []
                }
        }

        var payloadFormat: PayloadFormat? {
            contains(.utf8) ? .utf8 : contains(.unspecifiedFormat) ? .unspecified : nil
        }
    }

    static func encode(_ properties: MessageProperties) -> [UInt8] {
        var flags = Flags(properties.payloadFormat)
        var fields: [UInt8] = []
        if let contentType = properties.contentType {
            flags.insert(.contentType)
            append(contentType.utf8, to: &fields)
        }
        if let responseTopic = properties.responseTopic {
            flags.insert(.responseTopic)
            append(responseTopic.string.utf8, to: &fields)
        }
        if let correlationData = properties.correlationData {
            flags.insert(.correlationData)
            append(correlationData, to: &fields)
        }
        for property in properties.userProperties {
            append(property.name.utf8, to: &fields)
            append(property.value.utf8, to: &fields)
        }
        return [flags.rawValue] + fields
    }

    /// - Returns: nil when the octets are not what `encode` wrote.
    static func decode(_ octets: [UInt8]) -> MessageProperties? {
        var rest = octets[...]
        guard let first = rest.popFirst() else { return nil }
        let flags = Flags(rawValue: first)
        var contentType: String?
        var responseTopic: TopicName?
        var correlationData: [UInt8]?
        if flags.contains(.contentType) {
            guard let field = field(&rest) else { return nil }
            contentType = String(decoding: field, as: UTF8.self)
        }
        if flags.contains(.responseTopic) {
            guard let field = field(&rest), let topic = try? TopicName(utf8: field) else { return nil }
            responseTopic = topic
        }
        if flags.contains(.correlationData) {
            guard let field = field(&rest) else { return nil }
            correlationData = Array(field)
        }
        var userProperties: [UserProperty] = []
        while !rest.isEmpty {
            guard let name = field(&rest), let value = field(&rest) else { return nil }
            userProperties.append(
                UserProperty(name: String(decoding: name, as: UTF8.self), value: String(decoding: value, as: UTF8.self))
            )
        }
        return MessageProperties(
            payloadFormat: flags.payloadFormat, contentType: contentType, responseTopic: responseTopic,
            correlationData: correlationData, userProperties: userProperties)
    }

    private static func append(_ field: some Collection<UInt8>, to octets: inout [UInt8]) {
        withUnsafeBytes(of: UInt32(field.count).bigEndian) { octets.append(contentsOf: $0) }
        octets.append(contentsOf: field)
    }

    private static func field(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard rest.count >= 4 else { return nil }
        let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        rest = rest.dropFirst(4)
        guard rest.count >= length else { return nil }
        defer { rest = rest.dropFirst(length) }
        return rest.prefix(length)
    }
}
