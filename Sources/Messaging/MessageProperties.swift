/// The parts of a message that are passed on unread (MQTT 5.0, 3.3.2.3). CoAP maps its Content-Format to `contentType`.
package final class MessageProperties: Sendable, Equatable {
    /// What the publisher says of the payload; nil when it says nothing.
    package let payloadFormat: PayloadFormat?
    /// Media type of the payload.
    package let contentType: String?
    /// Where the receiver should answer.
    package let responseTopic: TopicName?
    /// Ties an answer to its request.
    package let correlationData: [UInt8]?
    /// Name-value pairs in the publisher's order; names may repeat.
    package let userProperties: [UserProperty]

    package init(
        payloadFormat: PayloadFormat? = nil, contentType: String? = nil, responseTopic: TopicName? = nil,
        correlationData: [UInt8]? = nil, userProperties: [UserProperty] = []
    ) {
        self.payloadFormat = payloadFormat
        self.contentType = contentType
        self.responseTopic = responseTopic
        self.correlationData = correlationData
        self.userProperties = userProperties
    }

    package static func == (left: MessageProperties, right: MessageProperties) -> Bool {
        left.payloadFormat == right.payloadFormat && left.contentType == right.contentType
            && left.responseTopic == right.responseTopic && left.correlationData == right.correlationData
            && left.userProperties == right.userProperties
    }
}

/// Payload format indicator (MQTT 5.0, 3.3.2.3.2). To say `unspecified` means what silence means, and is passed on nevertheless.
package enum PayloadFormat: UInt8, Sendable {
    case unspecified = 0
    case utf8 = 1
}

/// One user property (MQTT 5.0, 3.3.2.3.7).
package struct UserProperty: Sendable, Equatable {
    package let name: String
    package let value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
