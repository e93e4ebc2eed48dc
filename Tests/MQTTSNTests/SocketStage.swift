import Glibc
import Logging
import Messaging
import NIOPosix
import Synchronization
import TestKit

@testable import BrokerCore
@testable import MQTTSN

/// A stage as users have it: the gateway behind a UDP socket, with the core behind it; only the clock is moved by hand.
///
/// After each step two fences make sure that the gateway has done all that follows: a PINGREQ by a client of the stage's own
/// passes through the gateway's socket after what was sent before, and the second after the turns the first one found waiting.
final class SocketStage: Stage {
    let clock = ManualClock()
    let broker: CoreBroker
    let gateway: MQTTSNGateway
    let events = RecordedEvents()
    private let access = TestAccess()
    private let observer = Observer()
    private var observed: [Message] = []
    private var clients: [String: UDPSocket] = [:]
    private(set) var port = 0
    private var fence: UDPSocket?
    private let advertises: Bool

    private init(_ settings: MQTTSNSettings, _ limits: BrokerLimits) throws {
        var predefined = PredefinedTopics()
        _ = predefined.insert(1, try TopicName("fixed/one"))
        _ = predefined.insert(2, try TopicName("a/b"))
        broker = try CoreBroker(
            clock: clock, limits: limits, predefinedTopics: predefined, authenticator: access, authorizer: access,
            events: events)
        var settings = settings
        settings.port = 0
        advertises = settings.advertiseInterval != nil
        gateway = MQTTSNGateway(
            broker: broker, settings: settings, events: events,
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(), logger: Logger(label: "test"))
    }

    /// Opens the stage for the time of `body`.
    static func with(
        _ settings: MQTTSNSettings = .quiet, limits: BrokerLimits = BrokerLimits(),
        _ body: (SocketStage) async throws -> Void
    ) async throws {
        let stage = try SocketStage(settings, limits)
        let port = try await stage.gateway.bind().first?.port ?? 0
        stage.port = port
        stage.observer.attach(to: stage.broker)
        let fence = try UDPSocket(host: "127.0.0.200", gateway: port)
        stage.fence = fence
        if stage.advertises { _ = try stage.socket(of: "A") }
        await stage.gateway.serve()
        do {
            try fence.send([0x07, 0x04, 0x04, 0x01, 0x00, 0x00, 0x7E])
            guard try fence.receive() == [0x03, 0x05, 0x00] else {
                throw Scenario.Failure(description: "the stage's own client was not let in")
            }
            try await body(stage)
        } catch {
            await stage.gateway.stop()
            throw error
        }
        await stage.gateway.stop()
    }

    func finish() throws {
        guard let fence else { return }
        for _ in 0..<2 {
            try fence.send([0x02, 0x16])
            guard try fence.receive() == [0x02, 0x17] else {
                throw Scenario.Failure(description: "the gateway does not answer the stage's own client")
            }
        }
    }

    func socket(of client: String) throws -> UDPSocket {
        if let known = clients[client] { return known }
        let host = "127.0.0.\(client.utf8.first ?? 1)"
        let socket = try UDPSocket(host: host, port: advertises && client == "A" ? port : 0, gateway: port)
        clients[client] = socket
        return socket
    }

    func next(for client: String) throws -> [UInt8]? { try socket(of: client).receive(within: 0) }

    func send(_ octets: [UInt8], from client: String) throws {
        try socket(of: client).send(octets)
        try finish()
    }

    func unexpected() throws -> String? {
        for (name, socket) in clients.sorted(by: { $0.key < $1.key }) {
            if let octets = try socket.receive(within: 0) { return "\(hex(octets)) to \(name)" }
        }
        return nil
    }

    func publish(_ topic: String, _ payload: [UInt8], _ qos: QoS, retain: Bool) throws {
        let message = Message(
            topic: try TopicName(topic), payload: payload, qos: qos, retain: retain, publishedAt: clock.now())
        var outcomes: [PublishOutcome] = []
        broker.publish([message], as: .gateway, via: "sys", outcomes: &outcomes)
        observed += observer.take()
        guard !observed.isEmpty else { throw Scenario.Failure(description: "\(topic) was not routed") }
        observed.removeLast()
        try finish()
    }

    func nextPublished() -> Message? {
        observed += observer.take()
        return observed.isEmpty ? nil : observed.removeFirst()
    }

    func wait(_ duration: Duration) async throws {
        let longest: Duration = duration > .seconds(100) ? .seconds(1) : .milliseconds(100)
        var left = duration
        while left > .zero {
            let step = min(left, longest)
            clock.advance(by: step)
            broker.tick()
            await gateway.clockMoved()
            left -= step
        }
        try finish()
    }

    func forbid(_ topic: String) { access.forbid(topic) }
    func refuse(_ refusal: ConnectRefusal) { access.refuse(refusal) }
    func commitByHand() throws { throw Scenario.Failure(description: "only the fake broker commits by hand") }
    func commit() {}

    func reading(_ name: String) -> UInt64? {
        if let reason = DropReason.allCases.first(where: { "dropped_\($0.name)" == name }) {
            return broker.statistics().ledger[dropped: reason]
        }
        if name == "expired" { return broker.statistics().ledger.expired }
        return gateway.counters().first { $0.name == name }?.value
    }

    func session(_ clientID: String) -> String {
        guard let session = broker.sessions.withLock({ $0[ClientID(clientID)] }) else { return "none" }
        let isAttached = session.state.withLock { $0.attachment != nil }
        let filters = broker.routing.read { $0.index.filters(of: session.subscriber) }.sorted().joined(separator: ",")
        return ([isAttached ? "attached" : "away"] + [filters]).filter { !$0.isEmpty }.joined(separator: " ")
    }
}

/// Lets everybody in and do everything, unless told otherwise.
private final class TestAccess: Authenticator, Authorizer {
    private let state = Mutex<(refusal: ConnectRefusal?, forbidden: Set<String>)>((nil, []))

    func forbid(_ topic: String) { state.withLock { _ = $0.forbidden.insert(topic) } }
    func refuse(_ refusal: ConnectRefusal) { state.withLock { $0.refusal = refusal } }

    func authenticate(
        _ credentials: Credentials, completion: @escaping @Sendable (Result<Principal, ConnectRefusal>) -> Void
    ) {
        if let refusal = state.withLock({ $0.refusal }) { return completion(.failure(refusal)) }
        completion(.success(Principal(kind: .anonymous, clientID: credentials.clientID)))
    }

    func begin(_ method: String, _ credentials: Credentials) -> (any AuthenticationExchange)? {
        method == Doorman.method ? Doorman() : nil
    }

    func allows(_ action: Messaging.Action, by principal: Principal) -> Bool {
        guard case .publish(let topic) = action else { return true }
        return state.withLock { !$0.forbidden.contains(topic.string) }
    }

    func access(to filter: TopicFilter, by principal: Principal) -> SubscriptionAccess {
        state.withLock { $0.forbidden.contains(filter.string) ? .refused : .full }
    }

    func stillHolds(_ principal: Principal) -> Bool { true }
}
