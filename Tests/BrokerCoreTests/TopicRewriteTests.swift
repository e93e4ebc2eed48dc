import Messaging
import TestKit
import Testing

@testable import BrokerCore

@Suite struct TopicRewriteTests {
    private static let rules = [
        TopicRewrite(action: .all, source: "x/#", expression: "^x/y/(.+)$", destination: "z/y/$1"),
        TopicRewrite(action: .publish, source: "in/+", expression: "(.+)/(.+)", destination: "$2/${clientid}/$1"),
        TopicRewrite(
            action: .subscribe, source: "own/#", expression: "^own/(.*)$", destination: "clients/${clientid}/$1"),
        TopicRewrite(action: .all, source: "x/y/#", expression: ".*", destination: "never"),
    ]

    private func features() throws -> BrokerFeatures {
        var features = BrokerFeatures()
        features.rewriter = try TopicRewriter(Self.rules)
        return features
    }

    private func publish(_ harness: Harness, _ client: TestClient, _ topic: String) throws -> [PublishOutcome] {
        var outcomes: [PublishOutcome] = []
        try client.attachment.publish([try harness.message(topic, topic)], outcomes: &outcomes)
        return outcomes
    }

    @Test(arguments: [
        ("x/y/1", "z/y/1"), ("x/y/a/b", "z/y/a/b"), ("x/other", "x/other"), ("in/a", "a/c/in"), ("in/a/b", "in/a/b"),
        ("own/a", "own/a"),
    ])
    func publications(topic: String, becomes expected: String) throws {
        let harness = try Harness(features: features())
        let watcher = try harness.connect("watcher")
        // The gateway's own subscription would do as well; # is no source of a rule.
        try watcher.subscribe("#")
        _ = try publish(harness, harness.connect("c"), topic)
        #expect(try watcher.take().map(\.message.topic.string) == [expected])
    }

    @Test(arguments: [
        ("x/y/+", "z/y/1"), ("$share/g/x/y/#", "z/y/1"), ("$exclusive/x/y/#", "z/y/1"), ("own/#", "clients/c/a"),
        ("own/a", "clients/c/a"),
    ])
    func subscriptions(filter: String, gets topic: String) throws {
        let harness = try Harness(features: features())
        let client = try harness.connect("c")
        #expect(try client.subscribe(filter) == .granted(.exactlyOnce))
        try harness.publish(topic, "1")
        #expect(try client.received() == ["1"])
        let outcomes = try client.attachment.unsubscribe([try TopicFilter(filter)]).outcomes
        #expect(outcomes == [.removed])
    }

    @Test func aDelayedTopicIsRewrittenOnce() throws {
        let harness = try Harness(features: features())
        let watcher = try harness.connect("watcher")
        try watcher.subscribe("#")
        _ = try publish(harness, harness.connect("c"), "$delayed/1/x/y/1")
        harness.advance(.seconds(2))
        #expect(try watcher.take().map(\.message.topic.string) == ["z/y/1"])
    }

    /// A client cannot choose more than its own level by its name.
    @Test func aNameThatIsNoLevelLeavesTheTopicAsItIs() throws {
        let harness = try Harness(features: features())
        let client = try harness.connect("+")
        try client.subscribe("own/#")
        try harness.publish("clients/other/a", "1")
        try harness.publish("own/a", "2")
        #expect(try client.received() == ["2"])
    }

    /// Rights speak of the topic that is really used.
    @Test func theRightToTheDestinationCounts() throws {
        struct NotZ: Authorizer {
            func allows(_ action: Action, by principal: Principal) -> Bool {
                if case .publish(let topic) = action { !topic.string.hasPrefix("z") } else { true }
            }
            func access(to filter: TopicFilter, by principal: Principal) -> SubscriptionAccess {
                filter.pattern.hasPrefix("z") ? .refused : .full
            }
        }
        let harness = try Harness(features: features(), authorizer: NotZ())
        let client = try harness.connect("c")
        #expect(try publish(harness, client, "x/y/1") == [.refused(.notAuthorized)])
        #expect(try client.subscribe("x/y/#") == .refused(.notAuthorized))
    }

    @Test(arguments: [
        (TopicRewrite(action: .all, source: "a/#/b", expression: ".", destination: "x"), "no topic filter"),
        (TopicRewrite(action: .all, source: "a", expression: "(", destination: "x"), "no regular expression"),
        (TopicRewrite(action: .all, source: "a", expression: ".", destination: ""), "no destination"),
    ])
    func aRuleThatCannotBeUsedIsNamed(rule: TopicRewrite, words: String) {
        let error = #expect(throws: TopicRewriteError.self) { try TopicRewriter([Self.rules[0], rule]) }
        #expect(error?.index == 1)
        #expect(error?.problem.contains(words) == true)
    }
}

@Suite struct AutoSubscriptionTests {
    private func harness(_ filters: String..., prefixes: [String] = ["test"]) throws -> Harness {
        var features = BrokerFeatures()
        features.autoSubscriptions = filters.map {
            AutoSubscription(filter: $0, qos: .atLeastOnce, listenerPrefixes: prefixes)
        }
        return try Harness(features: features)
    }

    @Test func everyClientGetsItsOwn() throws {
        let harness = try harness("clients/${clientid}/#", "all", "users/${username}")
        try harness.publish("all", "kept", retain: true)
        let client = try harness.connect("c1")
        try harness.publish("clients/c1/x", "own", qos: .exactlyOnce)
        try harness.publish("clients/c2/x", "other")
        #expect(try client.received() == ["kept", "own"])
        #expect(client.wakeCount >= 1)
        #expect(harness.broker.statistics().subscriptions == 2)
    }

    @Test func aNameThatIsNoLevelGetsNone() throws {
        let harness = try harness("clients/${clientid}/#")
        let client = try harness.connect("+")
        try harness.publish("clients/c2/x", "other")
        #expect(try client.received() == [])
        #expect(harness.broker.statistics().subscriptions == 0)
    }

    @Test func clientsOfOtherListenersGetNone() throws {
        let harness = try harness("all", prefixes: ["mqtt"])
        _ = try harness.connect("c1")
        #expect(harness.broker.statistics().subscriptions == 0)
    }
}
