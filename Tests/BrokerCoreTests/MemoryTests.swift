import Messaging
import Synchronization
import TestKit
import Testing

@testable import BrokerCore

/// `limits.memory`: above it, mailboxes take in their share and no more.
@Suite struct MemoryTests {
    private static let limit = 1_000_000
    private static let large = String(repeating: "x", count: 30_000)

    private static func harness(
        policy: MailboxLimits.Policy = .dropOldest, store: (any Store)? = nil
    ) throws -> Harness {
        var limits = BrokerLimits()
        limits.memory = limit
        limits.mailbox.policy = policy
        return try Harness(limits: limits, store: store)
    }

    /// Messages of a client that asks again as long as some are on their way from the store, and acknowledges everything.
    private static func received(_ client: TestClient) throws -> [Delivery] {
        var all: [Delivery] = []
        while true {
            var some: [Delivery] = []
            let result = try client.attachment.take(100, into: &some)
            for delivery in some where delivery.packetID != 0 {
                _ = try client.attachment.settle(packetID: delivery.packetID, .acknowledged)
            }
            all += some
            if result != .later, some.isEmpty { return all }
        }
    }

    @Test func aMailboxTakesItsShareUntilThereIsMemoryAgain() throws {
        let harness = try Self.harness()
        let client = try harness.connect("c")
        try client.subscribe("t", .atMostOnce)
        for _ in 0..<3 { try harness.publish("t", Self.large) }
        #expect(harness.broker.noteMemory(resident: Self.limit + 1))
        #expect(harness.broker.statistics().isMemoryTight)
        // It holds more than 64 KB already, and keeps it.
        try harness.publish("t", "small")
        #expect(try Self.received(client).count == 3)
        for _ in 0..<3 { try harness.publish("t", Self.large) }
        #expect(try Self.received(client).count == 2)
        #expect(!harness.broker.noteMemory(resident: Self.limit))
        for _ in 0..<3 { try harness.publish("t", Self.large) }
        #expect(try Self.received(client).count == 3)
        let ledger = harness.broker.statistics().ledger
        #expect(ledger[dropped: .memoryFull] == 2 && ledger.isBalanced)
        let told = harness.events.all.filter { if case .memoryTight = $0 { true } else { false } }
        #expect(told == [.memoryTight(true), .memoryTight(false)])
        #expect(harness.events.all.contains(.dropping(ClientID("c"), .memoryFull)))
    }

    /// A quarter of the limit for all together.
    @Test func theMoreMailboxesTheSmallerTheShare() throws {
        let harness = try Self.harness()
        let clients = try (0..<25).map { try harness.connect("c\($0)") }
        for client in clients { try client.subscribe("t", .atMostOnce) }
        harness.broker.noteMemory(resident: Self.limit + 1)
        for _ in 0..<5 { try harness.publish("t", String(repeating: "x", count: 3_000)) }
        #expect(try Self.received(clients[0]).count == 3)
    }

    /// What the store has it keeps, and gives back bit by bit.
    @Test func whatIsStoredIsNotLost() throws {
        let harness = try Self.harness(store: MemoryStore())
        let client = try harness.connect("c", .durable)
        try client.subscribe("t", .atLeastOnce)
        harness.broker.noteMemory(resident: Self.limit + 1)
        for number in 0..<20 { try harness.publish("t", "\(number) \(Self.large)") }
        let session = try #require(harness.broker.sessions.withLock { $0[ClientID("c")] })
        #expect(session.state.withLock { $0.mailbox.inMemoryCount } == 2)
        // Of that which is not acknowledged only a share is in memory.
        var taken: [Delivery] = []
        for _ in 0..<10 { _ = try client.attachment.take(100, into: &taken) }
        #expect(taken.count == 3)
        for delivery in taken { _ = try client.attachment.settle(packetID: delivery.packetID, .acknowledged) }
        let rest = try Self.received(client)
        let texts = (taken + rest).map { String(decoding: $0.message.payload.prefix { $0 != 0x20 }, as: UTF8.self) }
        #expect(texts == (0..<20).map(String.init))
        let ledger = harness.broker.statistics().ledger
        #expect(ledger.dropped == 0 && ledger.delivered == 20)
    }

    @Test func wherePublishersAreRefusedNothingIsDropped() throws {
        let harness = try Self.harness(policy: .rejectPublisher)
        let (client, publisher) = (try harness.connect("c"), try harness.connect("p"))
        try client.subscribe("t", .atLeastOnce)
        harness.broker.noteMemory(resident: Self.limit + 1)
        var outcomes: [PublishOutcome] = []
        for _ in 0..<3 { try publisher.attachment.publish([try harness.message("t", Self.large)], outcomes: &outcomes) }
        #expect(outcomes.last == .refused(.receiverFull))
        #expect(try Self.received(client).count == 2)
        #expect(harness.broker.statistics().ledger.dropped == 0)
    }
}
