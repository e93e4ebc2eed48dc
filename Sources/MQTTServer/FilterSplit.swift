import MQTTCodec
import Messaging

/// Filters of a SUBSCRIBE or UNSUBSCRIBE, sorted into those the broker is asked about and those that need no asking.
struct FilterSplit<Element> {
    private(set) var valid: [Element] = []
    /// For each filter of the packet why it is not among `valid`, nil when it is; empty when all are, as mostly.
    private var refusals: [ReasonCode?] = []

    /// - Parameter make: throws the reason when there is nothing to ask about.
    init<Source>(_ sources: [Source], make: (Source) throws(ReasonCode) -> Element) {
        valid.reserveCapacity(sources.count)
        for index in sources.indices {
            do {
                valid.append(try make(sources[index]))
            } catch {
                if refusals.isEmpty { refusals = Array(repeating: nil, count: sources.count) }
                refusals[index] = error
            }
        }
    }

    /// One reason per filter of the packet, in order (MQTT-3.8.4-5, MQTT-3.8.4-6, MQTT-3.9.3-1, MQTT-3.10.4-6).
    func reasonCodes(_ answers: [ReasonCode]) -> [ReasonCode] {
        guard !refusals.isEmpty else { return answers }
        var answers = answers[...]
        return refusals.map { $0 ?? answers.popFirst() ?? .unspecifiedError }
    }

    fileprivate var hasMalformedFilter: Bool { refusals.contains(.topicFilterInvalid) }
}

extension FilterSplit<Subscription> {
    init(_ subscribe: Subscribe, _ capabilities: Capabilities) {
        let identifier = subscribe.properties.subscriptionIdentifier
        self.init(subscribe.filters) { asked throws(ReasonCode) in
            let filter = try TopicFilter(orReason: asked.filter)
            if let refusal = capabilities.refusal(of: filter) { throw refusal }
            // MQTT-3.8.4-7: less than was asked for may be granted, here what the operator allows.
            return Subscription(filter, asked, identifier: identifier, maximumQoS: capabilities.maximumQoS)
        }
    }

    func answer(
        _ subscribe: Subscribe, _ outcomes: [SubscribeOutcome], explains: Bool, _ version: ProtocolVersion?,
        refused: Counter
    ) -> Packet {
        var codes = reasonCodes(outcomes.map { ReasonCode($0) })
        let failures = codes.count(where: \.isFailure)
        if failures > 0 { refused.add(UInt64(failures)) }
        if version == .v31 {
            // MQTT 3.1, 3.8: who is refused has to get a positive answer; 3.9: it has no code but the three of QoS. The least is
            // granted, which promises nothing.
            codes = codes.map { $0.isFailure ? .grantedQoS0 : $0 }
        }
        let why = explains && failures > 0 ? outcomes.lazy.compactMap(\.reasonString).first ?? malformedFilter : nil
        return .suback(
            SubAck(subscribe.packetIdentifier, reasonCodes: codes, properties: .reason(why)))  // MQTT-3.8.4-1, MQTT-3.8.4-2, MQTT-2.2.1-6
    }
}

extension FilterSplit<TopicFilter> {
    init(_ unsubscribe: Unsubscribe) {
        self.init(unsubscribe.filters) { filter throws(ReasonCode) in try TopicFilter(orReason: filter) }
    }

    func answer(_ unsubscribe: Unsubscribe, _ outcomes: [UnsubscribeOutcome], explains: Bool) -> Packet {
        let codes = reasonCodes(outcomes.map { ReasonCode($0) })
        return .unsuback(
            UnsubAck(  // MQTT-3.10.4-4, MQTT-3.10.4-5, MQTT-3.11.3-1, MQTT-3.11.3-2
                unsubscribe.packetIdentifier, reasonCodes: codes, properties: .reason(explains ? malformedFilter : nil))
        )
    }
}

extension FilterSplit {
    fileprivate var malformedFilter: String? {
        hasMalformedFilter ? "wildcards stand alone in their level, # in the last one" : nil
    }
}

extension TopicFilter {
    fileprivate init(orReason text: String) throws(ReasonCode) {
        do { self = try TopicFilter(text) } catch { throw .topicFilterInvalid }  // MQTT-4.7.1-1, MQTT-4.7.1-2, MQTT-4.8.2-2
    }
}
