import MQTTCodec

/// Subscribes, and checks the streams that arrive.
final class Subscriber: ClientRole {
    private unowned let flow: FlowRun
    private let plan: Topology.Subscriber
    private var checks: [SequenceCheck]
    private var subscribed = 0

    /// Filters in one SUBSCRIBE.
    private static let filtersPerPacket = 100

    init(_ index: Int, in flow: FlowRun) {
        self.flow = flow
        plan = flow.plan.topology.subscribers[index]
        checks = [SequenceCheck](repeating: SequenceCheck(), count: plan.streams.count)
    }

    var isSubscribed: Bool { subscribed == plan.filters.count }
    var filterCount: Int { plan.filters.count }

    /// What has arrived of a stream; nil when it does not come here.
    func check(ofStream stream: Int) -> SequenceCheck? {
        plan.streams.contains(stream) ? checks[stream - plan.streams.lowerBound] : nil
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
            checks[Int(stamp.stream) - plan.streams.lowerBound].record(stamp.number)
        else { return }
        flow.copyArrived(stamp)
    }
}
