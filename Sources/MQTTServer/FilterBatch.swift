import MQTTCodec
import Messaging

/// What the SUBSCRIBE and UNSUBSCRIBE packets of one read ask for: handed to the broker at once, answered afterwards in order.
struct FilterBatch: ~Copyable {
    /// One packet and how many filters it has.
    private struct Packet {
        let request: FilterRequest
        let filters: Int
    }

    /// A filter that the broker is not asked about.
    private struct Refusal {
        /// Counted through all packets.
        let filter: Int
        let reason: ReasonCode
    }

    /// For the broker.
    private(set) var changes: [SubscriptionChange] = []
    /// The broker's answers.
    var outcomes: [SubscriptionOutcome] = []
    private var packets: [Packet] = []
    private var refusals: [Refusal] = []
    /// Filters of all packets.
    private var count = 0
    /// Room for the filters of a packet that is read, and for the codes of one that is answered.
    private var filters: [ReceivedFilter] = []
    private var codes: [ReasonCode] = []

    var isEmpty: Bool { packets.isEmpty }

    /// Adds what `frame` asks for, a SUBSCRIBE or UNSUBSCRIBE.
    /// - Parameter judge: says what is to happen instead; nil when the packet is in order.
    /// - Returns: what `judge` said.
    mutating func append(
        _ frame: Frame, _ decoder: PacketDecoder, _ capabilities: Capabilities,
        judge: (FilterRequest, [ReceivedFilter]) -> ConnectionAction?
    ) throws(DecodeError) -> ConnectionAction? {
        filters.removeAll(keepingCapacity: true)
        let request = try decoder.filters(in: frame, into: &filters)
        if let action = judge(request, filters) { return action }
        let identifier = request.properties.isEmpty ? nil : request.properties.subscriptionIdentifier
        for filter in filters {
            do {
                changes.append(try SubscriptionChange(filter, of: request.type, identifier, capabilities))
            } catch {
                refusals.append(Refusal(filter: count, reason: error))
            }
            count += 1
        }
        packets.append(Packet(request: request, filters: filters.count))
        return nil
    }

    /// Calls `body` with each packet and its answer, in order. A packet gets none when the attachment has ended: the goodbye is on its way.
    mutating func forEachAnswer(_ body: (FilterRequest, inout FilterAnswer) -> Void) {
        var (filter, outcome, refusal) = (0, 0, 0)
        for packet in packets {
            var answer = FilterAnswer(codes: [])
            swap(&answer.codes, &codes)
            for _ in 0..<packet.filters {
                if refusal < refusals.count, refusals[refusal].filter == filter {
                    answer.append(refusals[refusal].reason)
                    refusal += 1
                } else {
                    answer.append(outcomes[outcome])
                    outcome += 1
                }
                filter += 1
            }
            if !answer.isDetached { body(packet.request, &answer) }
            answer.codes.removeAll(keepingCapacity: true)
            swap(&answer.codes, &codes)
        }
    }

    mutating func removeAll() {
        changes.removeAll(keepingCapacity: true)
        outcomes.removeAll(keepingCapacity: true)
        packets.removeAll(keepingCapacity: true)
        if !refusals.isEmpty { refusals.removeAll() }
        count = 0
    }
}

/// The answer to one packet.
struct FilterAnswer: ~Copyable {
    /// One reason per filter, in order (MQTT-3.8.4-5, MQTT-3.8.4-6, MQTT-3.9.3-1, MQTT-3.10.4-6).
    fileprivate(set) var codes: [ReasonCode]
    /// Filters that were refused.
    private(set) var failures = 0
    /// The broker's words on the first of them that the codes leave open.
    private var reason: String?
    private var hasMalformedFilter = false
    fileprivate private(set) var isDetached = false

    fileprivate init(codes: [ReasonCode]) { self.codes = codes }

    /// What the codes leave open.
    var reasonString: String? {
        reason ?? (hasMalformedFilter ? "wildcards stand alone in their level, # in the last one" : nil)
    }

    /// MQTT 3.1, 3.8: who is refused has to get a positive answer; 3.9: it has no code but the three of QoS. The least is granted, which
    /// promises nothing.
    mutating func grantRefused() {
        guard failures > 0 else { return }
        for index in codes.indices where codes[index].isFailure { codes[index] = .grantedQoS0 }
    }

    fileprivate mutating func append(_ outcome: SubscriptionOutcome) {
        switch outcome {
        case .subscribed(let outcome):
            codes.append(ReasonCode(outcome))
            guard case .refused(let refusal) = outcome else { return }
            failures += 1
            reason = reason ?? outcome.reasonString
            if refusal == .detached { isDetached = true }
        case .unsubscribed(let outcome):
            codes.append(ReasonCode(outcome))
            guard case .refused(let refusal) = outcome else { return }
            failures += 1
            if refusal == .detached { isDetached = true }
        }
    }

    fileprivate mutating func append(_ refusal: ReasonCode) {
        codes.append(refusal)
        failures += 1
        if refusal == .topicFilterInvalid { hasMalformedFilter = true }
    }
}

extension SubscriptionChange {
    /// - Throws: the reason when there is nothing to ask the broker about.
    fileprivate init(
        _ filter: ReceivedFilter, of type: PacketType, _ identifier: UInt32?, _ capabilities: Capabilities
    ) throws(ReasonCode) {
        let topicFilter: TopicFilter
        do { topicFilter = try TopicFilter(checked: filter.text) } catch {
            throw .topicFilterInvalid  // MQTT-4.7.1-1, MQTT-4.7.1-2, MQTT-4.8.2-2
        }
        guard type == .subscribe else {
            self = .unsubscribe(topicFilter)
            return
        }
        if let refusal = capabilities.refusal(of: topicFilter) { throw refusal }
        // MQTT-3.8.4-7: less than was asked for may be granted, here what the operator allows.
        self = .subscribe(
            Subscription(topicFilter, filter, identifier: identifier, maximumQoS: capabilities.maximumQoS))
    }
}
