import Messaging
import TestKit
import Testing

@testable import BrokerCore

@Suite struct DelayedMessagesTests {
    @Test func aDelayedMessageComesWhenItsTimeHasCome() throws {
        let harness = try Harness()
        let client = try harness.connect("c")
        try client.subscribe("a/b")
        #expect(try harness.publish("$delayed/10/a/b", "later") == .accepted(receivers: 1, commit: .none))
        #expect(harness.broker.statistics().delayedMessages == 1)
        harness.advance(.milliseconds(9_900))
        #expect(try client.received() == [])
        harness.advance(.milliseconds(200))
        let delivery = try #require(try client.take().first)
        #expect(delivery.message.topic.string == "a/b")
        #expect(harness.broker.statistics().delayedMessages == 0)
    }

    @Test func aLargeNumberIsATimeOfDay() throws {
        let harness = try Harness()
        let client = try harness.connect("c")
        try client.subscribe("t")
        let now = harness.clock.wallClock().components.seconds
        let base = max(now, Int64(DelayedTopic.firstAbsolute))
        let delayed = try #require(try DelayedTopic(TopicName("$delayed/\(base + 60)/t"), now: .seconds(base)))
        #expect(delayed.delay == .seconds(60))
        let past = try #require(try DelayedTopic(TopicName("$delayed/\(base)/t"), now: .seconds(base + 5)))
        #expect(past.delay == .zero)
        #expect(throws: DelayedTopic.Problem.malformed) {
            try DelayedTopic(TopicName("$delayed/\(base + 42_949_670)/t"), now: .seconds(base))
        }
    }

    @Test(arguments: [
        "$delayed/x/t", "$delayed/", "$delayed//t", "$delayed/5", "$delayed/5/", "$delayed/-1/t",
        "$delayed/99999999999999999999/t",
    ])
    func aMalformedNameIsRefused(topic: String) throws {
        #expect(try Harness().publish(topic, "x") == .refused(.topicNotAllowed))
    }

    @Test func theLimitsRefuseAndCountWhatWaits() throws {
        var features = BrokerFeatures()
        features.delayed = DelayedLimits()
        features.delayed?.messages = 2
        let harness = try Harness(features: features)
        for _ in 0..<2 { try harness.publish("$delayed/5/t", "x") }
        #expect(try harness.publish("$delayed/5/t", "x") == .refused(.quotaExceeded))
        harness.advance(.seconds(6))
        #expect(try harness.publish("$delayed/5/t", "x") == .accepted(receivers: 1, commit: .none))
        features.delayed?.octets = 3
        let narrow = try Harness(features: features)
        #expect(try narrow.publish("$delayed/5/t", "xxx") == .refused(.quotaExceeded))
    }

    @Test func theRightToTheTopicItselfCounts() throws {
        struct OnlyA: Authorizer {
            func allows(_ action: Action, by principal: Principal) -> Bool {
                if case .publish(let topic) = action { topic.string == "a" } else { true }
            }
            func access(to filter: TopicFilter, by principal: Principal) -> SubscriptionAccess { .full }
        }
        let harness = try Harness(authorizer: OnlyA())
        let client = try harness.connect("c")
        var outcomes: [PublishOutcome] = []
        for topic in ["$delayed/1/a", "$delayed/1/b", "$delayed/1/$SYS/x"] {
            try client.attachment.publish([try harness.message(topic, "x")], outcomes: &outcomes)
        }
        #expect(
            outcomes == [.accepted(receivers: 1, commit: .none), .refused(.notAuthorized), .refused(.topicNotAllowed)])
    }

    @Test func aDelayedRetainedMessageIsKeptFromItsTimeOn() throws {
        let harness = try Harness()
        try harness.publish("$delayed/5/t", "x", retain: true)
        #expect(harness.broker.statistics().retainedMessages == 0)
        harness.advance(.seconds(6))
        #expect(harness.broker.retainedMessage(of: try TopicName("t"), as: .gateway) != nil)
    }

    @Test func switchedOffTheNameIsOrdinary() throws {
        var features = BrokerFeatures()
        features.delayed = nil
        let harness = try Harness(features: features)
        let client = try harness.connect("c")
        try client.subscribe("$delayed/5/t")
        try harness.publish("$delayed/5/t", "now")
        #expect(try client.received() == ["now"])
    }
}
