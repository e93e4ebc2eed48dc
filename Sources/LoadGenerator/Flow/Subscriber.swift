import MQTTCodec

/// Subscribes, and checks the streams that arrive.
final class Subscriber: ClientRole {
    private unowned let flow: FlowRun
    private let plan: Topology.Subscriber
    private var sequences: [SequenceCheck]
    private var subscribed = 0

    /// Filters in one SUBSCRIBE.
    private static let filtersPerPacket = 100

    init(_ index: Int, in flow: FlowRun) {
        self.flow = flow
        plan = flow.plan.topology.subscribers[index]
        sequences = [SequenceCheck](repeating: SequenceCheck(), count: plan.streams.count)
    }

    var isSubscribed: Bool { subscribed == plan.filters.count }
    var filterCount: Int { plan.filters.count }

    /// What has arrived of each stream that comes here.
    var checks: some Sequence<(stream: Int, check: SequenceCheck)> {
        zip(plan.streams, sequences).lazy.map { (stream: $0, check: $1) }
    }

    /// Asks for the next filters; one packet after the other, so that a broker may take its time.
    func subscribe(by client: Client) {
        let filters = plan.filters[subscribed...].prefix(Self.filtersPerPacket)
        client.send(.subscribe(Subscribe(1, filters: filters.map { Subscribe.Filter($0, qos: flow.settings.qos) })))
    }

    func received(_ packet: Packet, by client: Client) {
        guard case .suback(let answer) = packet else { return }
        subscribed += answer.reasonCodes.count
        if isSubscribed { flow.subscriberIsReady() } else { subscribe(by: client) }
    }

    /// What is not of this run, an old retained message for example, is not counted.
    func received(_ delivery: Delivery, by client: Client) {
        guard let stamp = delivery.stamp, plan.streams.contains(Int(stamp.stream)),
            sequences[Int(stamp.stream) - plan.streams.lowerBound].record(stamp.number)
        else { return }
        flow.copyArrived(stamp)
    }
}
