import MQTTCodec
import Messaging

/// Filters of a SUBSCRIBE or UNSUBSCRIBE, sorted into those the broker is asked about and those that are none.
struct FilterSplit<Element> {
    private(set) var valid: [Element] = []
    /// For each filter of the packet, whether it is among `valid`.
    private var isValid: [Bool] = []

    /// - Parameter make: nil when the text is no topic filter (MQTT 5.0, 4.7.1, 4.8.2).
    init<Source>(_ sources: [Source], make: (Source) -> Element?) {
        isValid.reserveCapacity(sources.count)
        for source in sources {
            let element = make(source)
            isValid.append(element != nil)
            if let element { valid.append(element) }
        }
    }

    /// One reason per filter of the packet, in order (MQTT-3.8.4-6).
    func reasonCodes(_ answers: [ReasonCode]) -> [ReasonCode] {
        var answers = answers[...]
        return isValid.map { isValid in
            guard isValid else { return .topicFilterInvalid }
            return answers.popFirst() ?? .unspecifiedError
        }
    }
}

extension FilterSplit<Subscription> {
    init(_ subscribe: Subscribe) {
        let identifier = subscribe.properties.subscriptionIdentifier
        self.init(subscribe.filters) { asked in
            guard let filter = try? TopicFilter(asked.filter) else { return nil }
            return Subscription(filter, asked, identifier: identifier)
        }
    }

    func answer(_ subscribe: Subscribe, _ outcomes: [SubscribeOutcome]) -> Packet {
        let codes = reasonCodes(outcomes.map { ReasonCode($0) })
        return .suback(SubAck(subscribe.packetIdentifier, reasonCodes: codes))  // MQTT-3.8.4-1
    }
}

extension FilterSplit<TopicFilter> {
    init(_ unsubscribe: Unsubscribe) {
        self.init(unsubscribe.filters) { try? TopicFilter($0) }
    }

    func answer(_ unsubscribe: Unsubscribe, existed: [Bool]) -> Packet {
        let codes = reasonCodes(existed.map { $0 ? .success : .noSubscriptionExisted })
        return .unsuback(UnsubAck(unsubscribe.packetIdentifier, reasonCodes: codes))  // MQTT-3.10.4-4
    }
}
