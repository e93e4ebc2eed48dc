import Logging
import Messaging
import NIOCore
import Synchronization
import TestKit

@testable import MQTTSN

/// A stage without sockets: the gateway's loop and the fake broker.
final class Conversation: Stage {
    let broker: FakeBroker
    let counters = Counters()
    let events = RecordedEvents()
    private(set) var loop: GatewayLoop
    private let notes: NoteList
    private let scheduled = Flag()
    private var clients: [String: SocketAddress] = [:]
    private var sent: [(peer: SocketAddress, octets: [UInt8])] = []
    private var seen = 0

    init(_ settings: MQTTSNSettings = .quiet, limits: BrokerLimits = BrokerLimits()) throws {
        var predefined = PredefinedTopics()
        _ = predefined.insert(1, try TopicName("fixed/one"))
        _ = predefined.insert(2, try TopicName("a/b"))
        broker = FakeBroker(limits: limits, predefinedTopics: predefined)
        broker.offer(Doorman.method) { Doorman() }
        notes = NoteList { [scheduled] in scheduled.raise() }
        loop = GatewayLoop(
            broker: broker, settings: settings, events: events, counters: counters, logger: Logger(label: "test"),
            notes: notes)
        if let seconds = settings.advertiseInterval {
            let target = try SocketAddress(ipAddress: settings.advertiseAddress, port: 10_001)
            loop.beginAdvertising(to: [target], every: seconds)
            loop.runTimers()
            turn()
        }
    }

    // MARK: The gateway

    func receive(_ octets: [UInt8], from client: String) {
        guard let address = try? address(of: client) else { return }
        loop.receive(ByteBuffer(bytes: octets), from: address, to: nil)
        turn()
    }

    /// Steps of a tenth of a second, as timers fire in the order of time.
    func wait(_ duration: Duration) {
        var left = duration
        while left > .zero {
            let step = min(left, .milliseconds(100))
            broker.advance(by: step)
            loop.runTimers()
            turn()
            left -= step
        }
    }

    func takeSent() -> [[UInt8]] {
        defer { sent = [] }
        return sent.map(\.octets)
    }

    private func turn() {
        repeat {
            scheduled.lower()
            loop.finishTurn { route, datagram in sent.append((route.peer.remote, Array(datagram.readableBytesView))) }
        } while scheduled.isRaised
    }

    private func address(of client: String) throws -> SocketAddress {
        if let known = clients[client] { return known }
        let letter = client.utf8.first.map { Int($0) } ?? 0
        let port = Int(client.dropFirst()) ?? 1
        let address = try SocketAddress(ipAddress: "192.0.2.\(letter)", port: 10_000 + port)
        clients[client] = address
        return address
    }

    // MARK: Stage

    func send(_ octets: [UInt8], from client: String) { receive(octets, from: client) }

    func next(for client: String) throws -> [UInt8]? {
        guard let first = sent.first, try first.peer == address(of: client) else { return nil }
        return sent.removeFirst().octets
    }

    func unexpected() -> String? { sent.first.map { "\(hex($0.octets)) to \($0.peer)" } }

    func publish(_ topic: String, _ payload: [UInt8], _ qos: QoS, retain: Bool) throws {
        try broker.publish(topic, payload, qos: qos, retain: retain)
        seen += 1
        turn()
    }

    func nextPublished() -> Message? {
        let published = broker.published
        guard published.count > seen else { return nil }
        seen += 1
        return published[seen - 1]
    }

    func forbid(_ topic: String) { broker.forbid(topic) }
    func refuse(_ refusal: ConnectRefusal) { broker.refuseConnects(refusal) }
    func commitByHand() { broker.commitByHand() }

    func commit() {
        broker.commit()
        turn()
    }

    func reading(_ name: String) -> UInt64? {
        if let reason = DropReason.allCases.first(where: { "dropped_\($0.name)" == name }) {
            return UInt64(broker.discarded.count { $0.reason == reason })
        }
        return counters.readings.first { $0.name == name }?.value
    }

    func session(_ clientID: String) -> String {
        guard let session = broker.session(clientID) else { return "none" }
        return ([session.isAttached ? "attached" : "away"] + [session.filters.joined(separator: ",")])
            .filter { !$0.isEmpty }.joined(separator: " ")
    }
}

extension MQTTSNSettings {
    /// Publishes nothing of its own.
    static var quiet: MQTTSNSettings {
        var settings = MQTTSNSettings()
        settings.publishesClientStatus = false
        return settings
    }
}

/// Keeps what the gateway reports.
final class RecordedEvents: EventSink {
    private let events = Mutex<[BrokerEvent]>([])
    func record(_ event: BrokerEvent) { events.withLock { $0.append(event) } }
    var all: [BrokerEvent] { events.withLock { $0 } }
}

/// Set when work is to be done in another turn.
final class Flag: Sendable {
    private let state = Mutex(false)
    var isRaised: Bool { state.withLock { $0 } }
    func raise() { state.withLock { $0 = true } }
    func lower() { state.withLock { $0 = false } }
}
