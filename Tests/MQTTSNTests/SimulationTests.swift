import Logging
import Messaging
import NIOCore
import TestKit
import Testing

@testable import BrokerCore
@testable import MQTTSN

/// 200 nodes that sleep, wake and publish over a bad network: nothing acknowledged is lost, nothing at QoS 2 comes twice.
@Suite("Simulation")
struct SimulationTests {
    /// /Fixtures/mqttsn/simulations.txt
    private static let runs = ((try? FixtureTable("mqttsn/simulations.txt").rows) ?? []).compactMap {
        row -> (Int, UInt64)? in
        guard row.count >= 2, let percent = Int(row[0]), let seed = UInt64(row[1]) else { return nil }
        return (percent, seed)
    }

    @Test func hasRuns() { #expect(Self.runs.count >= 3) }

    @Test("Sleepers over a lossy network", arguments: runs)
    func sleepers(percent: Int, seed: UInt64) throws {
        let simulation = try Simulation(nodes: 200, faults: .init(percent: percent), seed: seed)
        try simulation.run()
        #expect(simulation.problems() == [])
        let ledger = simulation.broker.statistics().ledger
        #expect(ledger.isBalanced)
        #expect(simulation.counters.readings.first { $0.name == "roams" }?.value ?? 0 > 0)
    }
}

/// The gateway's loop with the core behind it, nodes around it, a network between, and time that passes in steps.
final class Simulation {
    private struct Envelope {
        let node: Int
        let port: Int
        let isForGateway: Bool
        let octets: [UInt8]
    }

    private static let step = Duration.milliseconds(50)

    let clock = ManualClock()
    let broker: CoreBroker
    let counters = Counters()
    private let loop: GatewayLoop
    private let scheduled = Flag()
    private var network: DatagramNetwork<Envelope>
    private var nodes: [SleepyNode] = []
    private var generator: SeededGenerator
    private let observer = Observer()
    private var seen: [[UInt8]] = []
    /// Accepted for a node, by node and QoS.
    private var expected: [Int: [SleepyNode.QoS: Set<[UInt8]>]] = [:]
    /// Given to nodes to publish at QoS 2.
    private var exactlyOnce: Set<[UInt8]> = []
    private var published = 0

    init(nodes count: Int, faults: DatagramNetwork<Int>.Faults, seed: UInt64) throws {
        generator = SeededGenerator(seed: seed)
        var same = DatagramNetwork<Envelope>.Faults(percent: 0)
        same.loss = faults.loss
        same.duplication = faults.duplication
        same.reordering = faults.reordering
        network = DatagramNetwork(same, seed: seed &+ 1)
        broker = try CoreBroker(clock: clock, authenticator: LoopbackAuthenticator(allowsAnonymous: true))
        var settings = MQTTSNSettings.quiet
        settings.retryInterval = .seconds(2)
        settings.retryCount = 5
        settings.strangersPerSecond = 0
        loop = GatewayLoop(
            broker: broker, settings: settings, counters: counters, logger: Logger(label: "test"),
            notes: NoteList { [scheduled] in scheduled.raise() })
        for number in 0..<count {
            nodes.append(
                SleepyNode(number: number, roams: number.isMultiple(of: 10), seed: seed &+ UInt64(number)))
        }
        observer.attach(to: broker, filter: "up/#")
    }

    func run() throws {
        var time = Duration.zero
        while time < .seconds(300) {
            try publishSomething()
            pass()
            time += Self.step
        }
        while time < .seconds(4_000), !isDone {
            for _ in 0..<100 { pass() }
            time += Self.step * 100
        }
    }

    /// What should not have happened, in words; empty when all is well.
    func problems() -> [String] {
        var problems: [String] = []
        if !isDone { problems.append("not everything was delivered in time") }
        for (index, node) in nodes.enumerated() {
            let once = node.received[.exactlyOnce] ?? []
            if Set(once).count != once.count { problems.append("\(node.clientID) got a message of QoS 2 twice") }
            for (qos, payloads) in expected[index] ?? [:] {
                let missing = payloads.subtracting(node.received[qos] ?? [])
                if !missing.isEmpty {
                    problems.append("\(node.clientID) missed \(missing.count) at QoS \(qos.rawValue)")
                }
            }
            let lost = Set(node.acknowledged).subtracting(seen)
            if !lost.isEmpty { problems.append("\(lost.count) acknowledged publications of \(node.clientID) lost") }
        }
        var counts: [[UInt8]: Int] = [:]
        for payload in seen where exactlyOnce.contains(payload) { counts[payload, default: 0] += 1 }
        let doubled = counts.values.count { $0 > 1 }
        if doubled > 0 { problems.append("\(doubled) publications of QoS 2 seen twice") }
        return problems
    }

    private var isDone: Bool {
        nodes.indices.allSatisfy { index in
            let node = nodes[index]
            return node.hasPublishedAll
                && (expected[index] ?? [:]).allSatisfy { $0.value.isSubset(of: node.received[$0.key] ?? []) }
        }
    }

    private func publishSomething() throws {
        let index = Int.random(in: nodes.indices, using: &generator)
        let qos: SleepyNode.QoS = Bool.random(using: &generator) ? .atLeastOnce : .exactlyOnce
        published += 1
        let payload = Array("message \(published)".utf8)
        if Bool.random(using: &generator) {
            nodes[index].publishLater(qos, payload)
            if qos == .exactlyOnce { exactlyOnce.insert(payload) }
            return
        }
        let message = Message(
            topic: try TopicName("down/\(nodes[index].clientID)/\(published % 3)"), payload: payload,
            qos: qos == .atLeastOnce ? .atLeastOnce : .exactlyOnce, publishedAt: clock.now())
        var outcomes: [PublishOutcome] = []
        broker.publish([message], as: .gateway, via: "sys", outcomes: &outcomes)
        // Before it has subscribed, a node is owed nothing.
        if case .accepted(let receivers, _) = outcomes.first, receivers > 0 {
            expected[index, default: [:]][qos, default: []].insert(payload)
        }
        turn()
    }

    private func pass() {
        clock.advance(by: Self.step)
        let now = clock.now()
        broker.tick()
        loop.runTimers()
        turn()
        for envelope in network.arrivals(now: now) {
            if envelope.isForGateway {
                guard let address = try? address(envelope.node, envelope.port) else { continue }
                loop.receive(ByteBuffer(bytes: envelope.octets), from: address, to: nil)
                turn()
            } else if nodes[envelope.node].port == envelope.port {
                nodes[envelope.node].receive(envelope.octets, now: now)
                collect(envelope.node, now)
            }
        }
        for index in nodes.indices {
            nodes[index].advance(to: now)
            collect(index, now)
        }
        seen += observer.take().map(\.payload)
    }

    private func collect(_ index: Int, _ now: Timestamp) {
        for octets in nodes[index].takeSent() {
            network.send(Envelope(node: index, port: nodes[index].port, isForGateway: true, octets: octets), now: now)
        }
    }

    private func turn() {
        let now = clock.now()
        repeat {
            scheduled.lower()
            loop.finishTurn { route, datagram in
                guard let address = route.peer.remote.ipAddress, let port = route.peer.remote.port else { return }
                let parts = address.split(separator: ".").compactMap { Int($0) }
                network.send(
                    Envelope(
                        node: parts[2] << 8 | parts[3], port: port, isForGateway: false,
                        octets: Array(datagram.readableBytesView)), now: now)
            }
        } while scheduled.isRaised
    }

    private func address(_ node: Int, _ port: Int) throws -> SocketAddress {
        try SocketAddress(ipAddress: "127.0.\(node >> 8).\(node & 0xFF)", port: port)
    }
}
