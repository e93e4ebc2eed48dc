import Messaging
import TestKit
import Testing

@testable import BrokerCore

/// What is subscribed to and unsubscribed from together.
@Suite struct SubscriptionChangeTests {
    private static func subscribe(
        _ filter: String, handling: Subscription.RetainHandling = .send
    ) throws -> SubscriptionChange {
        .subscribe(Subscription(filter: try TopicFilter(filter), qos: .atMostOnce, retainHandling: handling))
    }

    private static func unsubscribe(_ filter: String) throws -> SubscriptionChange {
        .unsubscribe(try TopicFilter(filter))
    }

    private static func change(_ client: TestClient, _ changes: [SubscriptionChange]) throws -> [SubscriptionOutcome] {
        var outcomes: [SubscriptionOutcome] = []
        _ = try client.attachment.change(changes, outcomes: &outcomes)
        return outcomes
    }

    @Test func happensInOrder() throws {
        let harness = try Harness()
        let client = try harness.connect("c")
        let outcomes = try Self.change(
            client,
            [
                Self.unsubscribe("a"), Self.subscribe("a"), Self.unsubscribe("a"), Self.unsubscribe("a"),
                Self.subscribe("b"), Self.subscribe("c"), Self.unsubscribe("b"),
            ])
        let granted = SubscriptionOutcome.subscribed(.granted(.atMostOnce))
        #expect(
            outcomes == [
                .unsubscribed(.notSubscribed), granted, .unsubscribed(.removed), .unsubscribed(.notSubscribed),
                granted, granted, .unsubscribed(.removed),
            ])
        for topic in ["a", "b", "c"] { try harness.publish(topic, topic) }
        #expect(try client.received() == ["c"])
    }

    /// Also when the subscription has ended by then, when it names no topic, or a topic of which there is no message.
    @Test func eachNewSubscriptionGetsItsRetainedMessages() throws {
        let harness = try Harness()
        for topic in ["r/1", "r/2", "r/longer-than-three", "s", "$own/a"] {
            try harness.publish(topic, topic, retain: true)
        }
        try harness.publish("r/expired", "expired", retain: true, expiry: .seconds(1))
        harness.advance(.seconds(2))
        let client = try harness.connect("c")
        _ = try Self.change(
            client,
            [
                Self.subscribe("r/1"), Self.subscribe("r/longer-than-three"), Self.unsubscribe("r/1"),
                Self.subscribe("r/3"), Self.subscribe("r"), Self.subscribe("r/expired"), Self.subscribe("q/r/1"),
                Self.subscribe("$own/a"), Self.subscribe("+"), Self.subscribe("$share/g/r/2"),
                Self.subscribe("r/2", handling: .doNotSend), Self.subscribe("r/1", handling: .sendIfNew),
                Self.subscribe("r/1", handling: .sendIfNew),
            ])
        let expected = ["$own/a", "r/1", "r/1", "r/longer-than-three", "s"]
        #expect(try client.received().sorted() == expected)
    }

    @Test func moreThanOneLockAllowsForAreMade() throws {
        let harness = try Harness()
        let topics = (0..<1_000).map { "sensors/\($0)/hall" }
        for topic in topics { try harness.publish(topic, topic, qos: .atMostOnce, retain: true) }
        let client = try harness.connect("c")
        let changes = try topics.flatMap { [try Self.subscribe($0), try Self.unsubscribe("\($0)/x")] }
        let outcomes = try Self.change(client, changes)
        #expect(outcomes.count == changes.count)
        #expect(outcomes.count { $0 == .subscribed(.granted(.atMostOnce)) } == topics.count)
        #expect(try client.received() == topics)
        #expect(harness.broker.statistics().subscriptions == topics.count)
    }

    @Test func anEndedAttachmentChangesNothing() throws {
        let harness = try Harness()
        let client = try harness.connect("c")
        let attachment = try client.attachment
        _ = try harness.connect("c")
        var outcomes: [SubscriptionOutcome] = []
        let commit = attachment.change([try Self.subscribe("a"), try Self.unsubscribe("a")], outcomes: &outcomes)
        #expect(outcomes == [.subscribed(.refused(.detached)), .unsubscribed(.refused(.detached))])
        #expect(commit == .none)
    }
}
