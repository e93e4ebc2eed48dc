import Messaging
import Synchronization
import TestKit
import Testing

@testable import BrokerCore

/// A store whose file was damaged gets again what the core has in memory.
@Suite struct StoreLossTests {
    @Test func whatIsInMemoryIsStoredAgain() throws {
        let store = ForgetfulStore()
        let clock = ManualClock()
        var features = BrokerFeatures()
        features.delayed = DelayedLimits()
        let before = try Harness(store: store, clock: clock, features: features)
        let client = try before.connect("c", .durable)
        try client.subscribe("a/+", .exactlyOnce, id: 5)
        try client.subscribe("gone")
        _ = try client.attachment.unsubscribe([try TopicFilter("gone")])
        _ = try client.attachment.beginReceiving(packetID: 77)
        var outcomes: [PublishOutcome] = []
        try client.attachment.publish([before.message("elsewhere", "x", qos: .exactlyOnce)], outcomes: &outcomes)
        // Its message has not been published yet.
        _ = try client.attachment.beginReceiving(packetID: 78)
        _ = try client.attachment.topicIDs.register(try TopicName("x"))
        try before.connect("ended", .durable).detach(.goodbye, expiry: SessionExpiryChange(.zero))
        _ = try before.connect("fleeting", .clean).subscribe("a/b")
        try before.publish("kept", "value", retain: true)
        try before.publish("$kept", "value", retain: true)
        try before.publish("$delayed/60/a/later", "late")

        store.forget()

        let after = try Harness(store: store.memory, clock: clock, features: features)
        #expect(after.broker.statistics().sessions == 1)
        #expect(after.broker.statistics().retainedMessages == 2)
        let resumed = try after.connect("c", .durable)
        #expect(resumed.sessionPresent)
        #expect(try resumed.attachment.beginReceiving(packetID: 77) == false)
        #expect(try resumed.attachment.beginReceiving(packetID: 78) == true)
        #expect(try resumed.attachment.topicIDs.topic(of: 1) == TopicName("x"))
        try after.publish("gone", "1")
        try after.publish("a/b", "2")
        after.advance(.seconds(61))
        let received = try resumed.take()
        #expect(received.map(\.message.topic.string) == ["a/b", "a/later"])
        #expect(received.first?.subscriptionIDs.array == [5])
    }
}

/// A store that can lose everything.
private final class ForgetfulStore: Store {
    private let current = Mutex(MemoryStore())
    private let lossHandler = Mutex<(@Sendable () -> Void)?>(nil)

    var memory: MemoryStore { current.withLock { $0 } }

    func forget() {
        current.withLock { $0 = MemoryStore() }
        lossHandler.withLock { $0 }?()
    }

    func append(_ change: StoreChange) -> CommitPoint { memory.append(change) }
    func beginGroup() {}
    func endGroup() {}
    var committed: CommitPoint { memory.committed }
    var isFailing: Bool { false }
    func onCommit(_ handler: @escaping @Sendable (CommitPoint) -> Void) { memory.onCommit(handler) }
    func onLoss(_ handler: @escaping @Sendable () -> Void) { lossHandler.withLock { $0 = handler } }
    func load() throws(StoreError) -> StoredState { try memory.load() }

    func read(_ request: PageRequest, completion: @escaping @Sendable (QueuePage) -> Void) {
        memory.read(request, completion: completion)
    }
}
