import MQTTCodec
import Messaging
import NIOCore

/// Values of the wire as values of the broker, and back. The only file that knows both vocabularies well.

extension Messaging.QoS {
    init(_ qos: MQTTCodec.QoS) {
        self =
            switch qos {
            case .atMostOnce: .atMostOnce
            case .atLeastOnce: .atLeastOnce
            case .exactlyOnce: .exactlyOnce
            }
    }
}

extension MQTTCodec.QoS {
    init(_ qos: Messaging.QoS) {
        self =
            switch qos {
            case .atMostOnce: .atMostOnce
            case .atLeastOnce: .atLeastOnce
            case .exactlyOnce: .exactlyOnce
            }
    }
}

// MARK: - Connecting

extension SessionOptions {
    /// - Throws: `TopicError` when the will's topic is none.
    init(_ opening: Opening, windowBefore5: Int) throws(TopicError) {
        let connect = opening.connect
        let isLegacy = connect.version < .v5
        self.init(
            cleanStart: connect.cleanStart, expiry: Self.expiry(connect),
            // MQTT-4.9.0-1
            receiveMaximum: isLegacy ? windowBefore5 : Int(connect.properties.receiveMaximum ?? .max),
            will: try Messaging.Will(connect.will), repeatsDeliveries: false, silence: Self.silence(keepAlive: opening.keepAlive))
    }

    /// Before 5.0 a clean session ends with its connection and another never does; from 5.0 on the client says how long.
    private static func expiry(_ connect: Connect) -> Duration? {
        guard connect.version == .v5 else { return connect.cleanStart ? .zero : nil }
        return Duration(sessionExpiryInterval: connect.properties.sessionExpiryInterval ?? 0)
    }

    /// MQTT-3.1.2-22: one and a half times the keep alive; 0 turns the supervision off.
    private static func silence(keepAlive seconds: UInt16) -> Duration? {
        seconds == 0 ? nil : .milliseconds(1_500 * Int(seconds))
    }
}

extension Duration {
    /// Nil for 0xFFFFFFFF: the session never ends (MQTT 5.0, 3.1.2.11.2).
    init?(sessionExpiryInterval seconds: UInt32) {
        guard seconds != .max else { return nil }
        self = .seconds(Int(seconds))
    }
}

extension Messaging.Will {
    fileprivate init?(_ will: Connect.Will?) throws(TopicError) {
        guard let will else { return nil }
        self.init(
            topic: try TopicName(will.topic), payload: Array(will.payload.readableBytesView), qos: .init(will.qos),
            retain: will.isRetained, delay: .seconds(Int(will.properties.willDelayInterval ?? 0)),
            messageExpiry: will.properties.messageExpiryInterval.map { .seconds(Int($0)) },
            properties: MessageProperties(will.properties))
    }
}

extension Credentials {
    init(_ connect: Connect, clientIdentifier: String, peer: Peer) {
        self.init(
            clientID: ClientID(clientIdentifier), username: connect.userName,
            password: connect.password.map { Messaging.Secret(Array($0.bytes.readableBytesView)) }, peer: peer)
    }
}

// MARK: - Messages

extension Message {
    /// DUP is between the publisher and us and goes no further (MQTT-3.3.1-3).
    /// - Parameter alias: the name its topic alias stands for; nil when it says its own.
    init(_ publish: borrowing ReceivedPublish, alias: TopicName?, publisher: UnsafeRawBufferPointer?, now: Timestamp) {
        var (expiresAt, properties): (Timestamp, MessageProperties?) = (.never, nil)
        if !publish.properties.isEmpty {
            let lifetime = publish.properties.messageExpiryInterval
            if let lifetime { expiresAt = now + .seconds(Int(lifetime)) }
            properties = MessageProperties(publish.properties)
        }
        self =
            if let alias {
                alias.string.utf8.span.bytes.withUnsafeBytes { topic in
                    Message(
                        checkedTopic: topic, publisher: publisher, payload: publish.payload, qos: .init(publish.qos),
                        retain: publish.isRetained, publishedAt: now, expiresAt: expiresAt, properties: properties)
                }
            } else {
                Message(
                    checkedTopic: publish.topic, publisher: publisher, payload: publish.payload,
                    qos: .init(publish.qos), retain: publish.isRetained, publishedAt: now, expiresAt: expiresAt,
                    properties: properties)
            }
    }

    /// Whole seconds that are left, so that a message waits the whole time it was given (MQTT-3.3.2-6); nil without expiry.
    func secondsLeft(at now: Timestamp) -> UInt32? {
        guard expiresAt != .never else { return nil }
        let nanoseconds = max(0, expiresAt.since(now).wholeNanoseconds)
        let seconds = nanoseconds / 1_000_000_000 + (nanoseconds % 1_000_000_000 == 0 ? 0 : 1)
        return UInt32(clamping: seconds)
    }
}

extension MessageProperties {
    /// Nil when there is nothing to pass on.
    convenience init?(_ properties: Properties) {
        guard !properties.isEmpty else { return nil }
        let userProperties = properties.userProperties.map { UserProperty(name: $0.name, value: $0.value) }
        let correlationData = properties.correlationData.map { Array($0.readableBytesView) }
        let format: PayloadFormat? = properties.payloadFormatIndicator.map { $0 ? .utf8 : .unspecified }
        // The decoder has checked it, so a failure could only drop a property that nobody could use.
        let responseTopic = properties.responseTopic.flatMap { try? TopicName($0) }
        guard
            format != nil || properties.contentType != nil || responseTopic != nil || correlationData != nil
                || !userProperties.isEmpty
        else { return nil }
        self.init(
            payloadFormat: format, contentType: properties.contentType, responseTopic: responseTopic,
            correlationData: correlationData, userProperties: userProperties)
    }

    /// For the wire, in the order the standard lists them, unaltered (MQTT-3.3.2-4, MQTT-3.3.2-15 to MQTT-3.3.2-17, MQTT-3.3.2-16,
    /// MQTT-3.3.2-20); user properties keep their order (MQTT-3.3.2-18, MQTT-3.1.3-10).
    var encodable: Properties {
        var properties = Properties()
        if let payloadFormat { properties.append(.payloadFormatIndicator(payloadFormat == .utf8)) }
        if let contentType { properties.append(.contentType(contentType)) }
        if let responseTopic { properties.append(.responseTopic(responseTopic.string)) }
        if let correlationData { properties.append(.correlationData(ByteBuffer(bytes: correlationData))) }
        for property in userProperties {
            properties.append(.userProperty(name: property.name, value: property.value))
        }
        return properties
    }
}

extension DeliveryProperties {
    /// Nil when the PUBLISH needs none.
    init?(_ delivery: borrowing Delivery, now: Timestamp) {
        if delivery.message.properties == nil, delivery.message.expiresAt == .never,
            case .none = delivery.subscriptionIDs
        {
            return nil
        }
        let seconds = delivery.message.secondsLeft(at: now)
        let message = delivery.message.properties?.encodable ?? []
        switch delivery.subscriptionIDs {
        case .none:
            guard seconds != nil || !message.isEmpty else { return nil }
            self.init(messageExpiryInterval: seconds, message: message)
        case .one(let identifier):
            self.init(messageExpiryInterval: seconds, subscriptionIdentifier: identifier, message: message)
        case .many(let identifiers):  // MQTT-3.3.4-4
            self.init(
                messageExpiryInterval: seconds, subscriptionIdentifier: identifiers.first,
                otherSubscriptionIdentifiers: Array(identifiers.dropFirst()), message: message)
        }
    }
}

// MARK: - Subscribing

extension Subscription {
    init(_ filter: TopicFilter, _ asked: ReceivedFilter, identifier: UInt32?, maximumQoS: Messaging.QoS) {
        let handling: RetainHandling =
            switch asked.retainHandling {
            case .send: .send
            case .sendIfNew: .sendIfNew
            case .doNotSend: .doNotSend
            }
        self.init(
            filter: filter, qos: min(.init(asked.qos), maximumQoS), noLocal: asked.noLocal,
            retainAsPublished: asked.retainAsPublished,
            retainHandling: handling, identifier: identifier ?? 0)
    }
}
