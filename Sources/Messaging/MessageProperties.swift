/// The parts of a message that are passed on unread (MQTT 5.0, 3.3.2.3). CoAP maps its Content-Format to `contentType`.
public final class MessageProperties: Sendable, Equatable {
    /// What the publisher says of the payload; nil when it says nothing.
    public let payloadFormat: PayloadFormat?
    /// Media type of the payload.
    public let contentType: String?
    /// Where the receiver should answer.
    public let responseTopic: TopicName?
    /// Ties an answer to its request.
    public let correlationData: [UInt8]?
    /// Name-value pairs in the publisher's order; names may repeat.
    public let userProperties: [UserProperty]

    public init(
        payloadFormat: PayloadFormat? = nil, contentType: String? = nil, responseTopic: TopicName? = nil,
        correlationData: [UInt8]? = nil, userProperties: [UserProperty] = []
    ) {
        self.payloadFormat = payloadFormat
        self.contentType = contentType
        self.responseTopic = responseTopic
        self.correlationData = correlationData
        self.userProperties = userProperties
    }

    public static func == (left: MessageProperties, right: MessageProperties) -> Bool {
        left.payloadFormat == right.payloadFormat && left.contentType == right.contentType
            && left.responseTopic == right.responseTopic && left.correlationData == right.correlationData
            && left.userProperties == right.userProperties
    }
}

/// Payload format indicator (MQTT 5.0, 3.3.2.3.2). To say `unspecified` means what silence means, and is passed on nevertheless.
public enum PayloadFormat: UInt8, Sendable {
    case unspecified = 0
    case utf8 = 1
}

/// One user property (MQTT 5.0, 3.3.2.3.7).
public struct UserProperty: Sendable, Equatable {
    public let name: String
    public let value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
