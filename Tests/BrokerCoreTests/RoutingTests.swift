import Messaging
import TestKit
import Testing

@testable import BrokerCore

@Suite struct RoutingTests {
    @Test func tellsThePublisherHowManyReceive() throws {
        let harness = try Harness()
        #expect(try harness.publish("t", "x") == .accepted(receivers: 0, commit: .none))
        let client = try harness.connect("c")
        try client.subscribe("t", .atMostOnce)
        #expect(try harness.publish("t", "x") == .accepted(receivers: 1, commit: .none))
        #expect(try client.take().map(\.qos) == [.atMostOnce])
        #expect(harness.broker.statistics().ledger[dropped: .noSubscribers] == 1)
    }

    /// MQTT-3.3.4-2, MQTT-3.3.4-3
    @Test func overlappingSubscriptionsGiveOneCopyWithTheHighestQoSAndAllIdentifiers() throws {
        let harness = try Harness()
        let client = try harness.connect("c")
        try client.subscribe("a/#", .atMostOnce, id: 1)
        try client.subscribe("a/+", .exactlyOnce, id: 2)
        try client.subscribe("a/b", .atLeastOnce)
        try harness.publish("a/b", "x", qos: .exactlyOnce)
        let deliveries = try client.take()
        #expect(deliveries.map(\.qos) == [.exactlyOnce])
        #expect(Set(deliveries[0].subscriptionIDs.array) == [1, 2])
    }

    @Test func theOwnerIsWokenOnceUntilItHasDrained() throws {
        let harness = try Harness()
        let client = try harness.connect("c")
        try client.subscribe("t")
        for number in 0..<3 { try harness.publish("t", String(number)) }
        #expect(client.wakeCount == 1)
        #expect(try client.take(2).count == 2)
        try harness.publish("t", "3")
        #expect(client.wakeCount == 1)
        #expect(try client.take().count == 2)
        try harness.publish("t", "4")
        #expect(client.wakeCount == 2)
    }

    @Test func settlingWakesWhenTheWindowOpens() throws {
        let harness = try Harness()
        let client = try harness.connect("c", SessionOptions(cleanStart: true, expiry: .zero, receiveMaximum: 1))
        try client.subscribe("t")
        try harness.publish("t", "0")
        try harness.publish("t", "1")
        let packetID = try #require(try client.take().first).packetID
        #expect(client.wakeCount == 1)
        let settled = try client.attachment.settle(packetID: packetID, .acknowledged)
        #expect(settled)
        #expect(client.wakeCount == 2)
        #expect(try client.received() == ["1"])
    }

    /// MQTT-3.8.3-3
    @Test func noLocalLeavesOutWhatTheSessionPublished() throws {
        let harness = try Harness()
        let client = try harness.connect("c")
        try client.subscribe("t", noLocal: true)
        var outcomes: [PublishOutcome] = []
        try client.attachment.publish([try harness.message("t", "own", publisher: "c")], outcomes: &outcomes)
        try harness.publish("t", "other")
        #expect(try client.received() == ["other"])
        #expect(try client.subscribe("$share/g/t", noLocal: true) == .refused(.noLocalOnShared))
    }

    @Test func aShareGroupPassesOverMembersThatAreAway() throws {
        let harness = try Harness()
        let present = try harness.connect("a", .durable)
        let away = try harness.connect("b", .durable)
        for client in [present, away] { try client.subscribe("$share/g/t") }
        try away.detach(.lost)
        for number in 0..<4 { try harness.publish("t", String(number)) }
        #expect(try present.received() == ["0", "1", "2", "3"])
        try present.detach(.lost)
        try harness.publish("t", "kept")
        #expect(harness.broker.statistics().ledger.queued >= 1)
    }

    @Test func retainedMessagesFollowTheSubscription() throws {
        let harness = try Harness()
        try harness.publish("a/b", "kept", retain: true)
        let client = try harness.connect("c")
        try client.subscribe("a/+")
        let first = try client.take()
        #expect(first.map(\.retain) == [true])
        try harness.publish("a/b", "live", retain: true)
        #expect(try client.take().map(\.retain) == [false])  // MQTT-3.3.1-12
        try client.subscribe("a/+", retainHandling: .sendIfNew)
        #expect(try client.take().isEmpty)
        try client.subscribe("a/#", retainHandling: .doNotSend)
        #expect(try client.take().isEmpty)
        try client.subscribe("$share/g/a/#")
        #expect(try client.take().isEmpty)
    }

    /// MQTT-3.3.1-13
    @Test func retainAsPublishedKeepsTheFlag() throws {
        let harness = try Harness()
        let client = try harness.connect("c")
        try client.subscribe("t", retainAsPublished: true)
        try harness.publish("t", "x", retain: true)
        try harness.publish("t", "y")
        #expect(try client.take().map(\.retain) == [true, false])
    }

    @Test func messagesExpireInMailboxAndRetained() throws {
        let harness = try Harness()
        let client = try harness.connect("c")
        try client.subscribe("t")
        try harness.publish("t", "short", retain: true, expiry: .seconds(5))
        try harness.publish("t", "long")
        harness.advance(.milliseconds(5_100))
        #expect(try client.received() == ["long"])
        #expect(harness.broker.statistics().ledger.expired == 1)
        #expect(harness.broker.statistics().retainedMessages == 0)
        #expect(harness.broker.retainedMessage(of: try TopicName("t"), as: .gateway) == nil)
    }

    @Test func refusesWhatIsNotAllowed() throws {
        struct Nothing: Authorizer {
            func allows(_ action: Action, by principal: Principal) -> Bool { false }
            func access(to filter: TopicFilter, by principal: Principal) -> SubscriptionAccess { .refused }
        }
        var limits = BrokerLimits()
        limits.payloadOctets = 2
        limits.topicLevels = 2
        let harness = try Harness(limits: limits, authorizer: Nothing())
        let client = try harness.connect("c")
        var outcomes: [PublishOutcome] = []
        try client.attachment.publish(
            [
                try harness.message("t", "123"), try harness.message("a/b/c", "1"), try harness.message("$SYS/x", "1"),
                try harness.message("t", "1"),
            ], outcomes: &outcomes)
        #expect(
            outcomes == [
                .refused(.tooLarge), .refused(.topicNotAllowed), .refused(.topicNotAllowed), .refused(.notAuthorized),
            ])
        #expect(try client.subscribe("t") == .refused(.notAuthorized))
        #expect(try client.subscribe("a/b/c") == .refused(.filterTooDeep))
    }

    @Test func unsubscribingStopsTheFlowAndTellsWhetherItWasSubscribed() throws {
        let harness = try Harness()
        let client = try harness.connect("c")
        try client.subscribe("a/+")
        let outcomes = try client.attachment.unsubscribe([try TopicFilter("a/+"), try TopicFilter("x")]).outcomes
        #expect(outcomes == [.removed, .notSubscribed])
        try harness.publish("a/b", "x")
        #expect(try client.take().isEmpty)
    }

    @Test func anAsleepClientIsNotWokenButKeepsEverything() throws {
        let harness = try Harness()
        let client = try harness.connect("c")
        try client.subscribe("t")
        try client.attachment.supervise(.asleep, silence: .seconds(60))
        for (number, qos) in QoS.allCases.enumerated() { try harness.publish("t", String(number), qos: qos) }
        #expect(client.wakeCount == 0)
        try client.attachment.supervise(.awake, silence: .seconds(60))
        #expect(client.wakeCount == 1)
        #expect(try client.received() == ["0", "1", "2"])
        #expect(harness.events.all.contains(.fellAsleep(ClientID("c"))))
    }

    /// MQTT-3.3.1-8
    @Test func anUnretainedMessageLeavesTheRetainedOneAlone() throws {
        let harness = try Harness()
        try harness.publish("t", "kept", retain: true)
        try harness.publish("t", "passing")
        try harness.publish("t", "")
        let client = try harness.connect("c")
        try client.subscribe("t")
        #expect(try client.received() == ["kept"])
    }

    /// MQTT-3.3.1-6
    @Test func anEmptyRetainedMessageIsDeliveredAndClears() throws {
        let harness = try Harness()
        let client = try harness.connect("c")
        try client.subscribe("t")
        try harness.publish("t", "kept", retain: true)
        try harness.publish("t", "", retain: true)
        #expect(try client.received() == ["kept", ""])
        #expect(harness.broker.statistics().retainedMessages == 0)
    }

    /// MQTT-3.8.4-3, MQTT-3.8.4-4
    @Test func anEqualSubscriptionReplacesTheOldOneAndGetsRetainedAgain() throws {
        let harness = try Harness()
        try harness.publish("a/b", "kept", retain: true)
        let client = try harness.connect("c")
        try client.subscribe("a/+", .atMostOnce)
        try harness.publish("a/b", "between")
        try client.subscribe("a/+", .atLeastOnce)
        try harness.publish("a/b", "after")
        let deliveries = try client.take()
        #expect(
            deliveries.map { String(decoding: $0.message.payload, as: UTF8.self) } == [
                "kept", "between", "kept", "after",
            ])
        #expect(deliveries.map(\.qos) == [.atMostOnce, .atMostOnce, .atLeastOnce, .atLeastOnce])
    }

    /// MQTT-3.10.4-3
    @Test func whatIsOnTheWayIsFinishedAfterUnsubscribing() throws {
        let harness = try Harness()
        let first = try harness.connect("c", .durable)
        try first.subscribe("t")
        try harness.publish("t", "1", qos: .exactlyOnce)
        let sent = try first.take()
        _ = try first.attachment.unsubscribe([try TopicFilter("t")])
        try first.detach(.lost)
        let second = try harness.connect("c", .durable)
        #expect(try second.take().map(\.packetID) == sent.map(\.packetID))
        let received = try second.attachment.settle(packetID: 1, .received)
        let completed = try second.attachment.settle(packetID: 1, .completed)
        #expect(received && completed)
    }

    /// MQTT-4.3.3-7, MQTT-4.3.3-13
    @Test func whatHasBeenSentDoesNotExpire() throws {
        let harness = try Harness()
        let first = try harness.connect("c", .durable)
        try first.subscribe("t")
        try harness.publish("t", "1", qos: .exactlyOnce, expiry: .seconds(5))
        #expect(try first.take().count == 1)
        harness.advance(.seconds(6))
        try first.detach(.lost)
        let second = try harness.connect("c", .durable)
        #expect(try second.received() == ["1"])
        let received = try second.attachment.settle(packetID: 1, .received)
        harness.advance(.seconds(6))
        let completed = try second.attachment.settle(packetID: 1, .completed)
        #expect(received && completed)
        #expect(harness.broker.statistics().ledger.expired == 0)
    }
}
