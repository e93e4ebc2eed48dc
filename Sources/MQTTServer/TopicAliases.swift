import Glibc
import MQTTCodec
import Messaging

/// Topic names of incoming publications: aliases the client has set (MQTT 5.0, 3.3.2.3.4), and the last name seen, since
/// most devices publish to the same topic again and again.
struct TopicAliases: Equatable {
    private let maximum: UInt16
    private var names: [UInt16: TopicName] = [:]
    private var last: TopicName?

    init(maximum: UInt16) {
        self.maximum = maximum
    }

    /// - Throws: the reason to close the connection with.
    mutating func topic(of publish: ReceivedPublish) throws(ReasonCode) -> TopicName {
        guard let alias = publish.properties.topicAlias else { return try name(publish.topic) }
        // MQTT-3.3.2-12
        guard alias <= maximum else { throw .topicAliasInvalid }  // MQTT-3.3.2-9
        guard !publish.topic.isEmpty else {
            guard let topic = names[alias] else { throw .protocolError }  // MQTT 5.0, 3.3.2.3.4
            return topic
        }
        let topic = try name(publish.topic)
        names[alias] = topic
        return topic
    }

    private mutating func name(_ octets: UnsafeRawBufferPointer) throws(ReasonCode) -> TopicName {
        if let last, last.hasOctets(octets) { return last }
        do {
            let topic = try TopicName(checked: octets)
            last = topic
            return topic
        } catch {
            throw .topicNameInvalid
        }
    }
}

extension TopicName {
    fileprivate func hasOctets(_ octets: UnsafeRawBufferPointer) -> Bool {
        guard string.utf8.count == octets.count, let other = octets.baseAddress else { return false }
        return string.utf8.span.bytes.withUnsafeBytes { name in
            guard let name = name.baseAddress else { return false }
            return memcmp(name, other, octets.count) == 0
        }
    }
}
