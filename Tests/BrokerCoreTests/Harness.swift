import Messaging
import Synchronization
import TestKit

@testable import BrokerCore

/// A broker on a manual clock, and clients that record what the core tells them.
final class Harness: Sendable {
    let clock: ManualClock
    let broker: CoreBroker
    let events = RecordingEvents()

    init(
        limits: BrokerLimits = BrokerLimits(), store: (any Store)? = nil, clock: ManualClock = ManualClock(),
        features: BrokerFeatures = BrokerFeatures(), authenticator: any Authenticator = LoopbackAuthenticator(),
        authorizer: any Authorizer = PermissiveAuthorizer(), durability: DurabilityPolicy = DurabilityPolicy()
    ) throws {
        self.clock = clock
        broker = try CoreBroker(
            clock: clock, limits: limits, features: features, authenticator: authenticator, authorizer: authorizer,
            events: events,
            store: store, durability: durability)
    }

    /// Moves time and lets the core do what came due.
    func advance(_ duration: Duration) {
        clock.advance(by: duration)
        broker.tick()
    }

    func connect(
        _ clientID: String, _ options: SessionOptions = .clean, isLoopback: Bool = true, username: String? = nil,
        lane: UInt8 = 0
    ) throws -> TestClient {
        let client = TestClient(lane: lane)
        let result = Mutex<Result<Connected, ConnectRefusal>?>(nil)
        let peer = Peer(address: "127.0.0.1:1", isLoopback: isLoopback, listener: "test")
        broker.connect(
            ConnectRequest(
                credentials: Credentials(clientID: ClientID(clientID), username: username, peer: peer), options: options
            ),
            owner: client
        ) { outcome in result.withLock { $0 = outcome } }
        guard let outcome = result.withLock({ $0 }) else { throw HarnessError.noAnswer }
        client.connected.withLock { $0 = try? outcome.get() }
        if case .failure(let refusal) = outcome { throw refusal }
        return client
    }

    func message(
        _ topic: String, _ text: String, qos: QoS = .atLeastOnce, retain: Bool = false, expiry: Duration? = nil,
        publisher: String? = nil
    ) throws -> Message {
        let now = clock.now()
        return Message(
            topic: try TopicName(topic), payload: Array(text.utf8), qos: qos, retain: retain, publishedAt: now,
            expiresAt: expiry.map { now + $0 } ?? .never, publisher: publisher.map { ClientID($0) })
    }

    @discardableResult
    func publish(
        _ topic: String, _ text: String, qos: QoS = .atLeastOnce, retain: Bool = false, expiry: Duration? = nil
    ) throws -> PublishOutcome {
        var outcomes: [PublishOutcome] = []
        broker.publish(
            [try message(topic, text, qos: qos, retain: retain, expiry: expiry)], as: .gateway, via: "mqtt.tcp",
            outcomes: &outcomes)
        guard let outcome = outcomes.first else { throw HarnessError.noAnswer }
        return outcome
    }
}

enum HarnessError: Error { case noAnswer }

extension SessionOptions {
    static let clean = SessionOptions(cleanStart: true, expiry: .zero)
    /// As of an MQTT client: what it was sent it is never sent again.
    static let endsWithConnection = SessionOptions(cleanStart: true, expiry: .zero, repeatsDeliveries: false)
    static let durable = SessionOptions(cleanStart: false, expiry: .seconds(3_600))
}

final class RecordingEvents: EventSink {
    private let recorded = Mutex<[BrokerEvent]>([])
    func record(_ event: BrokerEvent) { recorded.withLock { $0.append(event) } }
    var all: [BrokerEvent] { recorded.withLock { $0 } }
}

/// An adapter's connection that does nothing by itself.
final class TestClient: SessionOwner {
    let connected = Mutex<Connected?>(nil)
    private let wakes = Mutex(0)
    private let closes = Mutex<[CloseReason]>([])
    let lane: UInt8

    init(lane: UInt8 = 0) { self.lane = lane }

    func wake(_ client: UInt64) { wakes.withLock { $0 += 1 } }
    func close(_ client: UInt64, _ reason: CloseReason) { closes.withLock { $0.append(reason) } }

    var wakeCount: Int { wakes.withLock { $0 } }
    var closed: [CloseReason] { closes.withLock { $0 } }
    var sessionPresent: Bool { connected.withLock { $0?.sessionPresent ?? false } }
    var attachment: any Attachment {
        get throws {
            guard let connected = connected.withLock({ $0 }) else { throw HarnessError.noAnswer }
            return connected.attachment
        }
    }

    @discardableResult
    func subscribe(
        _ filter: String, _ qos: QoS = .exactlyOnce, noLocal: Bool = false, retainAsPublished: Bool = false,
        retainHandling: Subscription.RetainHandling = .send, id: UInt32 = 0
    ) throws -> SubscribeOutcome {
        let subscription = Subscription(
            filter: try TopicFilter(filter), qos: qos, noLocal: noLocal, retainAsPublished: retainAsPublished,
            retainHandling: retainHandling, identifier: id)
        guard let outcome = try attachment.subscribe([subscription]).outcomes.first else { throw HarnessError.noAnswer }
        return outcome
    }

    func take(_ limit: Int = 1_000) throws -> [Delivery] {
        var deliveries: [Delivery] = []
        _ = try attachment.take(limit, into: &deliveries)
        return deliveries
    }

    /// Texts of everything that can be taken.
    func received() throws -> [String] { try take().map { String(decoding: $0.message.payload, as: UTF8.self) } }

    func detach(_ reason: DetachReason, expiry: SessionExpiryChange? = nil) throws {
        try attachment.detach(reason, expiry: expiry)
    }
}

extension Mailbox {
    mutating func put(
        _ message: Message, qos: QoS, retain: Bool, subscriptionIDs: SubscriptionIDs, bounds: Bounds
    ) -> PutResult {
        put(
            message, MessageOutline(message), qos: qos, retain: retain, subscriptionIDs: subscriptionIDs,
            bounds: bounds)
    }
}
