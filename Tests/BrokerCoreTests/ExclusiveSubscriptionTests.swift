import Messaging
import TestKit
import Testing

@testable import BrokerCore

@Suite struct ExclusiveSubscriptionTests {
    @Test func theSecondSubscriberIsRefusedUntilTheFirstLeaves() throws {
        let harness = try Harness()
        let first = try harness.connect("first"), second = try harness.connect("second")
        #expect(try first.subscribe("$exclusive/a/+") == .granted(.exactlyOnce))
        #expect(try first.subscribe("$exclusive/a/+") == .granted(.exactlyOnce))
        #expect(try second.subscribe("$exclusive/a/+") == .refused(.quotaExceeded))
        #expect(try second.subscribe("a/+") == .granted(.exactlyOnce))
        try harness.publish("a/b", "1")
        #expect(try first.received() == ["1"])
        #expect(try second.received() == ["1"])
        try first.detach(.goodbye)
        #expect(try second.subscribe("$exclusive/a/+") == .granted(.exactlyOnce))
    }

    @Test func unsubscribingMakesRoom() throws {
        let harness = try Harness()
        let first = try harness.connect("first"), second = try harness.connect("second")
        try first.subscribe("$exclusive/a")
        let outcomes = try first.attachment.unsubscribe([try TopicFilter("a"), try TopicFilter("$exclusive/a")])
            .outcomes
        #expect(outcomes == [.notSubscribed, .removed])
        #expect(try second.subscribe("$exclusive/a") == .granted(.exactlyOnce))
        #expect(harness.broker.statistics().sharedSubscriptions == 0)
    }

    @Test func itGetsRetainedMessages() throws {
        let harness = try Harness()
        try harness.publish("a", "kept", retain: true)
        let client = try harness.connect("c")
        try client.subscribe("$exclusive/a")
        #expect(try client.received() == ["kept"])
    }

    @Test func aDetachedSessionKeepsItAcrossARestart() throws {
        let store = MemoryStore()
        let first = try Harness(store: store)
        try first.connect("c", .durable).subscribe("$exclusive/a")
        let second = try Harness(store: store)
        #expect(try second.connect("other").subscribe("$exclusive/a") == .refused(.quotaExceeded))
        second.broker.recheckAccess()
        #expect(second.broker.statistics().subscriptions == 1)
    }

    @Test func switchedOffItIsRefused() throws {
        var features = BrokerFeatures()
        features.allowsExclusive = false
        let client = try Harness(features: features).connect("c")
        #expect(try client.subscribe("$exclusive/a") == .refused(.notAuthorized))
    }
}
