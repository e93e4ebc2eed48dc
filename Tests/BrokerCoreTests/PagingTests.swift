import Messaging
import Synchronization
import TestKit
import Testing

@testable import BrokerCore

/// Most of a long queue lies in the store alone, and nobody can tell.
@Suite struct PagingTests {
    private static func harness(
        inMemory: Int, offline: Int = 1_000, policy: MailboxLimits.Policy = .dropOldest, store: any Store,
        clock: ManualClock = ManualClock(),
        authorizer: any Authorizer = PermissiveAuthorizer()
    ) throws -> Harness {
        var limits = BrokerLimits()
        limits.mailbox.inMemoryMessages = inMemory
        limits.mailbox.onlineMessages = 4 * inMemory
        limits.mailbox.offlineMessages = offline
        limits.mailbox.policy = policy
        return try Harness(limits: limits, store: store, clock: clock, authorizer: authorizer)
    }

    private static func sleeper(_ harness: Harness, _ clientID: String = "c") throws -> TestClient {
        let client = try harness.connect(clientID, .durable)
        try client.subscribe("t/#")
        try client.attachment.supervise(.asleep, silence: nil)
        return client
    }

    private static func inMemory(_ harness: Harness, _ clientID: String = "c") -> Int? {
        harness.broker.sessions.withLock { $0[ClientID(clientID)] }?.state.withLock { $0.mailbox.inMemoryCount }
    }

    /// Everything `limit` allows, over as many pages as it takes.
    private static func take(_ client: TestClient, _ limit: Int = .max) throws -> [Delivery] {
        var deliveries: [Delivery] = []
        // Also with nothing left to take: what has expired at the head goes with it, here and where all is in memory.
        while try client.attachment.take(limit - deliveries.count, into: &deliveries) == .later {}
        return deliveries
    }

    private static func texts(_ deliveries: [Delivery]) -> [String] {
        deliveries.map { String(decoding: $0.message.payload, as: UTF8.self) }
    }

    @Test func aLongQueueComesInOrderFromMemoryAndStore() throws {
        let harness = try Self.harness(inMemory: 4, store: MemoryStore())
        let client = try Self.sleeper(harness)
        for number in 0..<50 {
            let qos = QoS.allCases[number % 3]
            try harness.publish("t/\(number)", "\(number)", qos: qos)
        }
        // QoS 0 has to stay; of the rest only the beginning is in memory.
        #expect(Self.inMemory(harness) == 4)
        #expect(try client.attachment.backlog == 50)
        let deliveries = try Self.take(client)
        #expect(Self.texts(deliveries) == (0..<50).map(String.init))
        #expect(deliveries.map(\.qos) == (0..<50).map { QoS.allCases[$0 % 3] })
        #expect(harness.broker.statistics().ledger.isBalanced)
    }

    /// One harness keeps everything in memory, the other nearly nothing. What happens is the same in both.
    @Test(
        arguments: [MailboxLimits.Policy.dropOldest, .dropNewest, .dropQoS0First, .latestOnly],
        1...3 as ClosedRange<UInt64>)
    func nothingTellsItFromAQueueInMemory(policy: MailboxLimits.Policy, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let harnesses = try [1_000_000, 3].map {
            try Self.harness(inMemory: $0, offline: 12, policy: policy, store: MemoryStore())
        }
        var clients = try harnesses.map { try Self.sleeper($0) }
        // Deliveries on the way that are never settled, and those of them that are sent again before anything else.
        var unsettled = 0
        var toResend = 0
        for step in 0..<300 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0...5:
                let topic = "t/\(Int.random(in: 0..<8, using: &random))"
                let qos = QoS.allCases.randomElement(using: &random) ?? .atMostOnce
                let expiry: Duration? = Bool.random(using: &random) ? .seconds(5) : nil
                for harness in harnesses { try harness.publish(topic, "\(step)", qos: qos, expiry: expiry) }
            case 6, 7:
                let limit = toResend + Int.random(in: 1..<6, using: &random)
                toResend = 0
                let taken = try clients.map { try Self.take($0, limit) }
                #expect(Self.texts(taken[0]) == Self.texts(taken[1]))
                #expect(taken[0].map(\.packetID) == taken[1].map(\.packetID))
                unsettled += taken[0].count { $0.packetID != 0 && $0.packetID % 3 == 0 && !$0.isDuplicate }
                for (client, deliveries) in zip(clients, taken) {
                    for delivery in deliveries where delivery.packetID % 3 != 0 {
                        _ = try client.attachment.settle(packetID: delivery.packetID, .acknowledged)
                        for step in [Settlement.received, .completed] {
                            _ = try client.attachment.settle(packetID: delivery.packetID, step)
                        }
                    }
                }
            case 8: for harness in harnesses { harness.advance(.seconds(1)) }
            default:
                for client in clients { try client.detach(.goodbye) }
                clients = try harnesses.map { try $0.connect("c", .durable) }
                toResend = unsettled
                for client in clients { try client.attachment.supervise(.asleep, silence: nil) }
            }
            let ledgers = harnesses.map { $0.broker.statistics().ledger }
            #expect(ledgers[0] == ledgers[1] && ledgers[1].isBalanced)
            let reports = try clients.map { try $0.attachment.mailboxReport }
            #expect(reports[0].octets == reports[1].octets)
        }
    }

    @Test func aRestartReadsOnlyTheBeginning() throws {
        let store = MemoryStore(fullDeliveries: 3)
        let clock = ManualClock()
        let before = try Self.harness(inMemory: 1_000, store: store, clock: clock)
        _ = try Self.sleeper(before)
        for number in 0..<20 {
            try before.publish("t", "\(number)", qos: .exactlyOnce, expiry: number % 5 == 4 ? .seconds(9) : nil)
        }

        let after = try Self.harness(inMemory: 4, store: store, clock: clock)
        #expect(Self.inMemory(after) == 3)
        #expect(after.broker.statistics().ledger.queued == 20)
        try after.publish("t", "20")
        let client = try after.connect("c", .durable)
        after.advance(.seconds(9))
        let deliveries = try Self.take(client)
        #expect(Self.texts(deliveries) == (0...20).filter { $0 % 5 != 4 }.map(String.init))
        // The identifiers go on where they were.
        #expect(deliveries.last?.packetID == 21)
        #expect(after.broker.statistics().ledger.expired == 4)
        #expect(after.broker.statistics().ledger.isBalanced)
    }

    @Test func theTimeAMessageMayWaitIsKept() throws {
        let store = MemoryStore(fullDeliveries: 0)
        let clock = ManualClock()
        let before = try Harness(store: store, clock: clock)
        var limits = MailboxLimits()
        limits.timeToLive = .seconds(10)
        var impatient = SessionOptions.durable
        impatient.mailboxTerms = MailboxTerms(limits)
        try before.connect("impatient", impatient).subscribe("t")
        try before.connect("patient", .durable).subscribe("t")
        try before.publish("t", "x", expiry: .seconds(60))
        let after = try Harness(store: store, clock: clock)
        after.advance(.seconds(10))
        #expect(try Self.take(after.connect("impatient", .durable)).isEmpty)
        let delivery = try #require(try Self.take(after.connect("patient", .durable)).first)
        #expect(delivery.message.expiresAt.since(clock.now()) == .seconds(50))
    }

    @Test func whatMayNotBeReceivedAnyMoreIsDroppedWhenItsTurnComes() throws {
        let rights = Rights()
        let harness = try Self.harness(inMemory: 2, store: MemoryStore(), authorizer: rights)
        let client = try Self.sleeper(harness)
        for number in 0..<10 { try harness.publish(number % 2 == 0 ? "t/open" : "t/secret", "\(number)") }
        rights.secret.withLock { $0 = true }
        harness.broker.recheckAccess()
        #expect(Self.texts(try Self.take(client)) == ["0", "2", "4", "6", "8"])
        let ledger = harness.broker.statistics().ledger
        #expect(ledger[dropped: .notAuthorized] == 5 && ledger.isBalanced)
    }

    @Test func theOwnerIsWokenWhenThePageIsThere() throws {
        let store = SlowStore()
        let harness = try Self.harness(inMemory: 2, store: store)
        let client = try Self.sleeper(harness)
        for number in 0..<6 { try harness.publish("t", "\(number)") }
        try client.attachment.supervise(.awake, silence: nil)
        let wakes = client.wakeCount
        var deliveries: [Delivery] = []
        #expect(try client.attachment.take(10, into: &deliveries) == .later)
        #expect(Self.texts(deliveries) == ["0", "1"])
        #expect(client.wakeCount == wakes)
        store.deliver()
        #expect(client.wakeCount == wakes + 1)
        _ = try client.attachment.take(10, into: &deliveries)
        #expect(Self.texts(deliveries) == ["0", "1", "2", "3"])
    }

    @Test func whatIsDroppedWhileItsPageIsOnTheWayStaysDropped() throws {
        let store = SlowStore()
        let harness = try Self.harness(inMemory: 2, offline: 6, store: store)
        let client = try Self.sleeper(harness)
        for number in 0..<6 { try harness.publish("t", "\(number)") }
        #expect(Self.texts(try client.take(2)) == ["0", "1"])
        for number in 6..<9 { try harness.publish("t", "\(number)") }  // 2 has to go
        store.deliver()
        #expect(Self.texts(try client.take()) == ["3"])
        store.deliver()
        #expect(harness.broker.statistics().ledger[dropped: .mailboxFull] == 1)
        #expect(harness.broker.statistics().ledger.isBalanced)
    }

    @Test func aSessionThatEndsWithAPageOnTheWayIsOver() throws {
        let store = SlowStore()
        let harness = try Self.harness(inMemory: 2, store: store)
        let client = try Self.sleeper(harness)
        for number in 0..<6 { try harness.publish("t", "\(number)") }
        _ = try client.take()
        _ = try harness.connect("c", .clean)
        store.deliver()
        let ledger = harness.broker.statistics().ledger
        #expect(ledger[dropped: .sessionEnded] == 6 && ledger.isBalanced)
    }

    @Test func whatTheStoreHasLostIsAccountedFor() throws {
        let store = SlowStore()
        let harness = try Self.harness(inMemory: 2, store: store)
        let client = try Self.sleeper(harness)
        for number in 0..<6 { try harness.publish("t", "\(number)") }
        _ = try client.take()
        store.deliver { QueuePage(records: $0.records.filter { $0.sequence != 3 }, through: $0.through) }
        #expect(Self.texts(try client.take()) == ["3"])
        #expect(harness.broker.statistics().ledger[dropped: .unreadable] == 1)
        #expect(harness.broker.statistics().ledger.isBalanced)
    }

    /// What another member of the group may get stays whole.
    @Test func whatCameByASharedSubscriptionStillGoesToAnotherMember() throws {
        let harness = try Self.harness(inMemory: 2, store: MemoryStore())
        let leaver = try harness.connect("a", .durable)
        try leaver.subscribe("$share/g/t")
        for number in 0..<5 { try harness.publish("t", "\(number)") }
        try harness.connect("b", .durable).subscribe("$share/g/t")
        try leaver.detach(.goodbye, expiry: SessionExpiryChange(.zero))
        #expect(Self.texts(try Self.take(harness.connect("b", .durable))) == (0..<5).map(String.init))
        #expect(harness.broker.statistics().ledger.isBalanced)
    }
}

/// Topics called secret can be closed.
private final class Rights: Authorizer {
    let secret = Mutex(false)

    func allows(_ action: Action, by principal: Principal) -> Bool {
        guard case .receive(let topic) = action else { return true }
        return !(secret.withLock { $0 } && topic.string.hasSuffix("secret"))
    }

    func access(to filter: TopicFilter, by principal: Principal) -> SubscriptionAccess { .partial }
}

/// A store whose pages come when the test says so.
private final class SlowStore: Store {
    private let store = MemoryStore()
    private let reads = Mutex<[(QueuePage, @Sendable (QueuePage) -> Void)]>([])

    func append(_ change: StoreChange) -> CommitPoint { store.append(change) }
    func beginGroup() {}
    func endGroup() {}
    var committed: CommitPoint { store.committed }
    var isFailing: Bool { false }
    func onCommit(_ handler: @escaping @Sendable (CommitPoint) -> Void) { store.onCommit(handler) }
    func onLoss(_ handler: @escaping @Sendable () -> Void) {}
    func load() throws(StoreError) -> StoredState { try store.load() }

    func read(_ request: PageRequest, completion: @escaping @Sendable (QueuePage) -> Void) {
        store.read(request) { [self] page in reads.withLock { $0.append((page, completion)) } }
    }

    /// Lets all pages arrive that were asked for.
    func deliver(_ change: (QueuePage) -> QueuePage = { $0 }) {
        let ready = reads.withLock { reads in
            defer { reads = [] }
            return reads
        }
        for (page, completion) in ready { completion(change(page)) }
    }
}
