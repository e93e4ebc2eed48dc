import Messaging
import Synchronization
import TestKit
import Testing

@testable import BrokerCore

/// What was to happen at some time happens at that time, also when the gateway was restarted in between.
@Suite struct RestartedDeadlinesTests {
    private let store = MemoryStore()
    private let clock = ManualClock()

    private func harness() throws -> Harness { try Harness(store: store, clock: clock) }

    private func sleeper(_ harness: Harness, will delay: Duration = .zero) throws -> TestClient {
        let client = try harness.connect("c", .durable)
        try client.attachment.updateWill(try SessionLifeTests.will(delay: delay))
        try client.attachment.supervise(.asleep, silence: .seconds(100))
        return client
    }

    @Test(arguments: [true, false])
    func aSleeperThatNeverWakesIsLostAtItsDeadline(isCrash: Bool) throws {
        let before = try harness()
        _ = try sleeper(before)
        clock.advance(by: .seconds(40))
        if !isCrash { before.broker.stop() }
        let after = try harness()
        let watcher = try after.connect("w")
        try watcher.subscribe("will")
        after.advance(.seconds(59))
        #expect(try watcher.received() == [])
        after.advance(.seconds(1))
        #expect(try watcher.received() == ["gone"])
        #expect(after.events.all.contains(.closed(ClientID("c"), .silence)))
        // From here on the session lives for its expiry, as after any loss.
        after.advance(.seconds(3_599))
        #expect(after.broker.statistics().sessions == 2)
        after.advance(.seconds(1))
        #expect(after.broker.statistics().sessions == 1)
    }

    @Test func theDelayOfItsWillCountsFromThere() throws {
        _ = try sleeper(try harness(), will: .seconds(30))
        let after = try harness()
        let watcher = try after.connect("w")
        try watcher.subscribe("will")
        after.advance(.seconds(129))
        #expect(try watcher.received() == [])
        after.advance(.seconds(1))
        #expect(try watcher.received() == ["gone"])
    }

    @Test func aSleeperThatWakesInTimeIsNotLost() throws {
        _ = try sleeper(try harness())
        let after = try harness()
        let watcher = try after.connect("w")
        try watcher.subscribe("will")
        after.advance(.seconds(99))
        var options = SessionOptions.durable
        options.keepsWill = true
        #expect(try after.connect("c", options).sessionPresent)
        after.advance(.seconds(10))
        #expect(try watcher.received() == [])
        #expect(!after.events.all.contains(.closed(ClientID("c"), .silence)))
    }

    @Test func whoSaidGoodbyeIsNotLost() throws {
        let before = try harness()
        try sleeper(before).detach(.goodbye)
        let after = try harness()
        after.advance(.seconds(200))
        #expect(!after.events.all.contains(.closed(ClientID("c"), .silence)))
    }

    @Test func delayedMessagesGoOnWaiting() throws {
        let before = try harness()
        let outcome = try before.publish("$delayed/60/t", "kept", expiry: .seconds(90))
        guard case .accepted(_, let commit) = outcome else { throw HarnessError.noAnswer }
        #expect(commit != .none)
        try before.publish("$delayed/60/t", "fleeting", qos: .atMostOnce)
        try before.publish("$delayed/10/t", "overdue")
        clock.advance(by: .seconds(20))

        let after = try harness()
        #expect(after.broker.statistics().delayedMessages == 2)
        let watcher = try after.connect("w")
        try watcher.subscribe("t")
        after.broker.tick()
        #expect(try watcher.received() == ["overdue"])
        try after.publish("$delayed/60/t", "later")
        after.advance(.seconds(40))
        let kept = try watcher.take()
        #expect(kept.map { String(decoding: $0.message.payload, as: UTF8.self) } == ["kept"])
        #expect(kept.first?.message.expiresAt.since(clock.now()) == .seconds(30))
        after.advance(.seconds(20))
        #expect(try watcher.received() == ["later"])
        #expect(try store.load().delayed.isEmpty)
    }

    @Test func whatGatewaysKeepIsTheirsAgain() throws {
        let before = try harness().broker
        before.keep([1], as: "a", in: .lwm2mRegistration)
        before.keep([2], as: "b", in: .lwm2mRegistration)
        before.keep([3], as: "a", in: .lwm2mRegistration)
        before.keep(nil, as: "b", in: .lwm2mRegistration)
        let after = try harness().broker
        #expect(after.takeKept(in: .lwm2mRegistration) == [KeptItem(key: "a", value: [3])])
        #expect(after.takeKept(in: .lwm2mRegistration).isEmpty)
    }
}
