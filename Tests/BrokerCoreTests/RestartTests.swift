import Messaging
import TestKit
import Testing

@testable import BrokerCore

/// The Store port is enough to go on after the end of the process: one broker ends, another begins on the same store.
@Suite struct RestartTests {
    @Test func durableSessionsGoOn() throws {
        let store = MemoryStore()
        let clock = ManualClock()
        let before = try Harness(store: store, clock: clock)
        let client = try before.connect("c", .durable)
        try client.subscribe("a/+", .exactlyOnce, id: 5)
        try client.subscribe("gone")
        _ = try client.attachment.unsubscribe([try TopicFilter("gone")])
        for number in 1...4 { try before.publish("a/b", String(number), qos: .exactlyOnce) }
        let sent = try client.take(3)
        for settlement in [Settlement.received, .completed] {
            _ = try client.attachment.settle(packetID: sent[0].packetID, settlement)
        }
        _ = try client.attachment.settle(packetID: sent[1].packetID, .received)
        _ = try client.attachment.beginReceiving(packetID: 77)
        var outcomes: [PublishOutcome] = []
        try client.attachment.publish([before.message("elsewhere", "x", qos: .exactlyOnce)], outcomes: &outcomes)
        _ = try client.attachment.topicIDs.register(try TopicName("x"))
        _ = try before.connect("fleeting", .clean).subscribe("a/b")
        try before.publish("kept", "value", retain: true)
        try before.publish("cleared", "value", retain: true)
        try before.publish("cleared", "", retain: true)

        let after = try Harness(store: store, clock: clock)
        #expect(after.broker.statistics().sessions == 1)
        #expect(after.broker.statistics().retainedMessages == 1)
        let resumed = try after.connect("c", .durable)
        #expect(resumed.sessionPresent)
        let again = try resumed.take()
        #expect(again.map(\.step) == [.release, .publish, .publish])
        #expect(again.map(\.isDuplicate) == [false, true, false])
        #expect(again.map(\.packetID) == [2, 3, 4])
        #expect(again.map { $0.subscriptionIDs.array } == [[5], [5], [5]])
        #expect(try resumed.attachment.beginReceiving(packetID: 77) == false)
        #expect(try resumed.attachment.topicIDs.topic(of: 1) == TopicName("x"))
        try after.publish("a/b", "5")
        #expect(try resumed.received() == ["5"])
        #expect(after.broker.statistics().ledger.isBalanced)
    }

    @Test func deadlinesGoOnWithWhatRemained() throws {
        let store = MemoryStore()
        let clock = ManualClock()
        let before = try Harness(store: store, clock: clock)
        let client = try before.connect("c", .durable)
        try client.subscribe("t")
        try before.publish("t", "short", expiry: .seconds(20))
        try client.attachment.updateWill(try SessionLifeTests.will(delay: .seconds(60)))
        try client.detach(.lost)
        clock.advance(by: .seconds(30))

        let after = try Harness(store: store, clock: clock)
        let watcher = try after.connect("w")
        try watcher.subscribe("will")
        after.advance(.seconds(29))
        #expect(try watcher.received() == [])
        after.advance(.seconds(1))
        #expect(try watcher.received() == ["gone"])
        let resumed = try after.connect("c", .durable)
        #expect(try resumed.received() == [])
        #expect(after.broker.statistics().ledger.expired == 1)
        try resumed.detach(.lost)
        after.advance(.seconds(3_600))
        #expect(after.broker.statistics().sessions == 1)  // the watcher
        #expect(try store.load().sessions.isEmpty)
    }
}
