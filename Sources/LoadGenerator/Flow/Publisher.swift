import MQTTCodec

/// Publishes stamped messages: keeps its window full while it may, or keeps to its schedule.
final class Publisher: ClientRole {
    private unowned let flow: FlowRun
    private let index: Int
    private var template: PublishTemplate
    private let qos: QoS
    private let topology: Topology
    private let arrivals: Int
    private(set) var window: InFlightWindow
    /// The next number of each stream.
    private var numbers: [UInt64]
    private var topicNumber = 0
    private var client: Client?
    /// Since when its window has had room.
    private var free: UInt64 = 0
    private(set) var schedule: Schedule?
    /// Messages it may still begin.
    var quota = 0
    var isCredited = false

    init(_ index: Int, in flow: FlowRun) {
        self.index = index
        self.flow = flow
        let plan = flow.plan
        topology = plan.topology
        qos = flow.settings.qos
        arrivals = plan.copiesAwaited + (qos == .atMostOnce ? 0 : 1)
        template = PublishTemplate(
            topic: topology.publishers[index], qos: qos, payloadOctets: flow.settings.payloadOctets,
            version: flow.settings.version)
        window = InFlightWindow(capacity: plan.window)
        numbers = [UInt64](repeating: 0, count: topology.streams)
        // Publishers begin at different topics, so that they do not walk in step.
        topicNumber = topology.topics / topology.publishers.count * index
    }

    /// Messages sent.
    var published: Int { Int(window.next) }

    /// Messages sent to stream `stream` of this publisher.
    func count(inStream stream: Int) -> UInt64 { numbers[stream] }

    /// Nothing on the way, nothing to begin.
    var isDone: Bool { window.isEmpty && quota == 0 }

    func keep(to schedule: Schedule) { self.schedule = schedule }

    func opened(_ client: Client, _ answer: ConnAck) {
        self.client = client
        // Unacknowledged messages of QoS 1 and 2 the broker takes (MQTT 5.0, 3.2.2.3.3); identifiers end at 65,535.
        if qos != .atMostOnce { window.narrow(to: Int(answer.properties.receiveMaximum ?? .max)) }
    }

    func published(_ identifier: UInt16, by client: Client) {
        guard let ordinal = window.ordinal(of: identifier), let begun = window.arrive(ordinal) else { return }
        flow.acknowledged(self, after: begun)
    }

    /// A copy of one of its messages has reached a receiver.
    func copyArrived(_ ordinal: UInt64, at now: UInt64) {
        guard let begun = window.arrive(ordinal) else { return }
        free = now
        flow.arrived(self, after: begun)
    }

    /// Sends as much as window, quota and schedule allow.
    func fill(at now: UInt64) {
        guard let client else { return }
        while quota > 0, window.hasRoom, schedule.map({ $0.next <= now }) ?? true {
            quota -= 1
            let wasHeldUp = schedule.map { free > $0.next } ?? false
            publish(by: client, begun: schedule?.begin(at: now, wasHeldUp: wasHeldUp) ?? now)
        }
    }

    private func publish(by client: Client, begun: UInt64) {
        let stream = topicNumber % topology.streams
        let ordinal = window.begin(at: begun, arrivals: arrivals)
        let stamp = Stamp(
            publisher: UInt32(index), stream: UInt32(stream * topology.publishers.count + index),
            number: numbers[stream], ordinal: ordinal)
        template.set(stamp, identifier: InFlightWindow.identifier(of: ordinal), topicNumber: topicNumber)
        client.send(template.octets)
        numbers[stream] += 1
        topicNumber = topicNumber + 1 == topology.topics ? 0 : topicNumber + 1
    }
}
