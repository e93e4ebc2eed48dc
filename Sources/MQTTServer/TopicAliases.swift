import MQTTCodec
import Messaging

/// Topic aliases a client has set (MQTT 5.0, 3.3.2.3.4).
struct TopicAliases: Equatable {
    private let maximum: UInt16
    private var names: [UInt16: TopicName] = [:]

    init(maximum: UInt16) {
        self.maximum = maximum
    }

    /// - Returns: the name that an alias stands for; nil for a packet that names its topic.
    /// - Throws: the reason to close the connection with.
    mutating func topic(of publish: borrowing ReceivedPublish) throws(ReasonCode) -> TopicName? {
        guard let alias = publish.properties.topicAlias else { return nil }
        // MQTT-3.3.2-12
        guard alias <= maximum else { throw .topicAliasInvalid }  // MQTT-3.3.2-9
        guard !publish.topic.isEmpty else {
            guard let topic = names[alias] else { throw .protocolError }  // MQTT 5.0, 3.3.2.3.4
            return topic
        }
        do {
            names[alias] = try TopicName(checked: publish.topic)
        } catch {
            throw .topicNameInvalid
        }
        return nil
    }
}
