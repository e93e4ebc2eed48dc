import Messaging
import NIOCore

/// A delivery in the words of MQTT-SN.
extension Packet.Publish {
    init(_ delivery: Delivery, _ topicID: TopicID, setsDUP: Bool) {
        self.init(
            isDuplicate: delivery.isDuplicate && setsDUP, qos: PublishQoS(delivery.qos), retain: delivery.retain,
            topicID: topicID,
            messageID: delivery.packetID, payload: delivery.message.withPayload { ByteBuffer(bytes: $0) })
    }
}

/// The same in those of 2.0.
extension Packet.PublishDraft {
    /// - Parameter topicID: nil to name the topic in full.
    init(_ delivery: Delivery, _ topicID: TopicID?) {
        let topic: Packet.TopicReference =
            switch topicID {
            case let id? where id.type == .normal: .alias(id.value)
            case let id? where id.type == .predefined: .predefined(id.value)
            default: .name(delivery.message.topic.string)
            }
        self.init(
            isDuplicate: delivery.isDuplicate && delivery.qos == .exactlyOnce, qos: PublishQoS(delivery.qos),
            retain: delivery.retain, topic: topic, messageID: delivery.packetID,
            payload: delivery.message.withPayload { ByteBuffer(bytes: $0) })
    }
}

extension PublishQoS {
    init(_ qos: QoS) {
        switch qos {
        case .atMostOnce: self = .atMostOnce
        case .atLeastOnce: self = .atLeastOnce
        case .exactlyOnce: self = .exactlyOnce
        }
    }

    /// Nil for QoS -1, which no session has.
    var qos: QoS? {
        switch self {
        case .atMostOnce: .atMostOnce
        case .atLeastOnce: .atLeastOnce
        case .exactlyOnce: .exactlyOnce
        case .connectionless: nil
        }
    }
}
