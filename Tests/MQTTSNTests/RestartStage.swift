import BrokerCore
import Logging
import Messaging
import NIOCore
import Synchronization
import TestKit

@testable import MQTTSN

/// A gateway's loop and the core on a store that outlives both.
final class RestartStage {
    let store = MemoryStore()
    let events = RecordedEvents()
    let access = ChangingAccess()
    private let clock = ManualClock()
    private let settings: MQTTSNSettings
    private var counters = Counters()
    private var broker: CoreBroker
    private var loop: GatewayLoop
    private let scheduled = Flag()
    private var sent: [[UInt8]] = []

    init(_ settings: MQTTSNSettings = .quiet) throws {
        self.settings = settings
        (broker, loop) = try Self.begin(settings, clock, store, access, events, counters, scheduled)
    }

    private static func begin(
        _ settings: MQTTSNSettings, _ clock: ManualClock, _ store: MemoryStore, _ access: ChangingAccess,
        _ events: RecordedEvents, _ counters: Counters, _ scheduled: Flag
    ) throws -> (CoreBroker, GatewayLoop) {
        var predefined = PredefinedTopics()
        _ = predefined.insert(1, try TopicName("fixed/one"))
        let broker = try CoreBroker(
            clock: clock, predefinedTopics: predefined, authenticator: access, events: events, store: store)
        let loop = GatewayLoop(
            broker: broker, settings: settings, events: events, counters: counters, logger: Logger(label: "test"),
            notes: NoteList { scheduled.raise() })
        loop.resumeSleepers()
        return (broker, loop)
    }

    /// - Parameter isCrash: nobody is told goodbye.
    func restart(isCrash: Bool = true) throws {
        if !isCrash {
            loop.shutDown()
            broker.stop()
            turn()
        }
        counters = Counters()
        (broker, loop) = try Self.begin(settings, clock, store, access, events, counters, scheduled)
        sent = []
    }

    /// - Returns: what the gateway sent to whomever.
    func exchange(
        _ octets: [UInt8], from address: String = "192.0.2.1", port: Int = 10_001, by association: Association? = nil
    ) -> [[UInt8]] {
        guard let remote = try? SocketAddress(ipAddress: address, port: port) else { return [] }
        loop.receive(ByteBuffer(bytes: octets), from: remote, to: nil, association: association)
        turn()
        defer { sent = [] }
        return sent
    }

    func publish(_ topic: String, _ payload: [UInt8]) throws {
        let message = Message(
            topic: try TopicName(topic), payload: payload, qos: .atLeastOnce, retain: false, publishedAt: clock.now())
        var outcomes: [PublishOutcome] = []
        broker.publish([message], as: .gateway, via: "sys", outcomes: &outcomes)
        turn()
    }

    /// Steps of a tenth of a second, as timers fire in the order of time.
    func advance(_ duration: Duration) {
        var left = duration
        while left > .zero {
            clock.advance(by: min(left, .milliseconds(100)))
            broker.tick()
            loop.runTimers()
            turn()
            left -= .milliseconds(100)
        }
    }

    func reading(_ name: String) -> UInt64? { counters.readings.first { $0.name == name }?.value }

    /// Wills published so far, of any client.
    var wills: Int { events.all.count { if case .willPublished = $0 { true } else { false } } }

    private func turn() {
        repeat {
            scheduled.lower()
            loop.finishTurn { _, datagram in sent.append(Array(datagram.readableBytesView)) }
        } while scheduled.isRaised
    }
}

/// Lets everybody in; what was proved may be said to hold no more.
final class ChangingAccess: Authenticator {
    private let state = Mutex(true)

    var holds: Bool {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }

    func authenticate(
        _ credentials: Credentials, completion: @escaping @Sendable (Result<Principal, ConnectRefusal>) -> Void
    ) { completion(.success(Principal(kind: .anonymous, clientID: credentials.clientID))) }

    func stillHolds(_ principal: Principal) -> Bool { holds }
}
