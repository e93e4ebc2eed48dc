import Glibc
import MQTTCodec

/// Who hears what became of a node's requests.
protocol NodeOwner: AnyObject {
    /// What the node was told to do is done.
    func finished(_ node: Node, after nanoseconds: UInt64) throws(LoadError)
    func received(_ stamp: Stamp, by node: Node)
}

/// An MQTT-SN 1.2 node on a socket of its own: connects and subscribes or registers, falls asleep, wakes to fetch what waits,
/// publishes. It does one thing at a time.
///
///     start ─▶ connecting ─▶ subscribing ─▶ fallingAsleep ─▶ asleep ⇄ fetching
///                       └──▶ registering ─▶ ready ⇄ publishing
///     leave ─▶ leaving ─▶ idle
final class Node: Pollable {
    enum State {
        case idle, connecting, subscribing, fallingAsleep, asleep, fetching, registering, ready, publishing, leaving
    }

    enum Purpose { case sleeper, publisher }

    /// Seconds a sleeper says it will sleep: more than any run takes.
    private static let sleepSeconds: UInt16 = 3_600

    let number: Int
    let descriptor: Int32
    private(set) var state = State.idle
    private let identifier: String
    private let topic: String
    private let purpose: Purpose
    private let qos: UInt8
    private unowned let owner: any NodeOwner
    private unowned let loop: LoadLoop
    private var token = 0
    private var topicIdentifier: UInt16 = 0
    private var messageIdentifier: UInt16 = 0
    /// The request whose answer is awaited; empty without any.
    private var request: [UInt8] = []
    private var begun: UInt64 = 0
    private var sent: UInt64 = 0
    /// DISCONNECTs of ours that may still be answered. One that was sent again because its answer took long has two answers, and the
    /// second is no goodbye of the gateway's.
    private var farewells = 0
    /// Requests sent again because no answer had come.
    private(set) var repeated = 0

    init(
        _ number: Int, identifier: String, topic: String, purpose: Purpose, qos: UInt8, at gateway: ResolvedAddress,
        owner: any NodeOwner, on loop: LoadLoop
    ) throws(LoadError) {
        self.number = number
        self.identifier = identifier
        self.topic = topic
        self.purpose = purpose
        self.qos = qos
        self.owner = owner
        self.loop = loop
        descriptor = try gateway.connectDatagrams()
        token = try loop.add(self)
    }

    deinit { close(descriptor) }

    /// Takes it out of the loop; its socket closes with it.
    func end() { loop.remove(token) }

    // MARK: What it is told

    /// Connects, and becomes `asleep` or `ready`.
    func start() { ask(.connecting, NodePacket.connect(identifier)) }

    /// Wakes, takes what waits and sleeps on.
    func fetch() { ask(.fetching, NodePacket.pingreq(identifier)) }

    /// At QoS 0 this is done when it is sent.
    func publish(_ payload: [UInt8]) {
        let packet = NodePacket.publish(
            topic: topicIdentifier, qos: qos, messageIdentifier: qos == 0 ? 0 : nextIdentifier(), payload: payload)
        if qos == 0 { put(packet) } else { ask(.publishing, packet) }
    }

    func leave() { ask(.leaving, NodePacket.disconnect(sleep: nil)) }

    /// Asks again when the answer has not come for `limit` nanoseconds.
    func repeatRequest(olderThan limit: UInt64, at now: UInt64) {
        guard !request.isEmpty, now > sent + limit else { return }
        sent = now
        repeated += 1
        put(NodePacket.repeated(request))
    }

    private func ask(_ state: State, _ packet: [UInt8]) {
        begun = Clock.now()
        proceed(state, packet)
    }

    private func proceed(_ state: State, _ packet: [UInt8]) {
        self.state = state
        request = packet
        sent = Clock.now()
        put(packet)
    }

    private func put(_ packet: [UInt8]) {
        if !request.isEmpty, state == .fallingAsleep || state == .leaving { farewells += 1 }
        _ = StreamSocket.write(descriptor, packet, from: 0)
    }

    private func nextIdentifier() -> UInt16 {
        messageIdentifier = messageIdentifier == .max ? 1 : messageIdentifier + 1
        return messageIdentifier
    }

    // MARK: What it hears

    func readable(_ loop: LoadLoop) throws(LoadError) {
        var inbox: [UInt8] = []
        swap(&inbox, &loop.inbox)
        defer { swap(&inbox, &loop.inbox) }
        // A refused datagram shows as an error here; the request is repeated.
        guard case .octets(let count) = StreamSocket.read(descriptor, into: &inbox, from: 0) else { return }
        try receive(inbox.span, count)
    }

    func writable(_ loop: LoadLoop) {}

    func flush(_ loop: LoadLoop) {}

    private func receive(_ octets: borrowing Span<UInt8>, _ count: Int) throws(LoadError) {
        guard let packet = ReceivedNodePacket(octets, count: count) else {
            throw .protocolViolation(client: identifier)
        }
        switch (packet.kind, state) {
        case (.connack, .connecting):
            try requireAccepted(packet, octets, "CONNECT")
            switch purpose {
            case .sleeper:
                proceed(.subscribing, NodePacket.subscribe(topic, qos: qos, messageIdentifier: nextIdentifier()))
            case .publisher: proceed(.registering, NodePacket.register(topic, messageIdentifier: nextIdentifier()))
            }
        case (.suback, .subscribing):
            try requireAccepted(packet, octets, "SUBSCRIBE")
            proceed(.fallingAsleep, NodePacket.disconnect(sleep: Self.sleepSeconds))
        case (.regack, .registering):
            try requireAccepted(packet, octets, "REGISTER")
            topicIdentifier = packet.number(octets, at: 0) ?? 0
            try finish(.ready)
        case (.pingresp, .fetching): try finish(.asleep)
        case (.disconnect, _): try receiveFarewell()
        case (.puback, .publishing) where packet.number(octets, at: 2) == messageIdentifier:
            try requireAccepted(packet, octets, "PUBLISH")
            try finish(.ready)
        case (.register, _):
            guard let topic = packet.number(octets, at: 0), let message = packet.number(octets, at: 2) else { return }
            put(NodePacket.regack(topic: topic, messageIdentifier: message))
        case (.publish, _): receiveMessage(packet, octets)
        // Answers to what was sent twice.
        default: break
        }
    }

    private func receiveFarewell() throws(LoadError) {
        guard farewells > 0 else { throw .connectionLost(client: identifier) }
        farewells -= 1
        switch state {
        case .fallingAsleep: try finish(.asleep)
        case .leaving: try finish(.idle)
        default: break
        }
    }

    private func receiveMessage(_ packet: ReceivedNodePacket, _ octets: borrowing Span<UInt8>) {
        guard packet.body.count >= 5, let topic = packet.number(octets, at: 1),
            let message = packet.number(octets, at: 3)
        else { return }
        if octets[packet.body.lowerBound] >> 5 & 0b11 == 1 {
            put(NodePacket.puback(topic: topic, messageIdentifier: message))
        }
        guard let stamp = Stamp(octets, at: packet.body.lowerBound + 5, end: packet.body.upperBound) else { return }
        owner.received(stamp, by: self)
    }

    private func requireAccepted(
        _ packet: ReceivedNodePacket, _ octets: borrowing Span<UInt8>, _ what: String
    ) throws(LoadError) {
        guard packet.isAccepted(octets) else { throw .refused(client: identifier, what: what, .unspecifiedError) }
    }

    private func finish(_ state: State) throws(LoadError) {
        self.state = state
        request = []
        try owner.finished(self, after: loop.now - min(loop.now, begun))
    }
}
