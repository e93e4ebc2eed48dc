import Messaging
import Synchronization
import TestKit
import Testing

@testable import BrokerCore

/// Rights that a test changes while clients are connected.
private final class ChangingRights: Authorizer {
    private struct Rules {
        var readable: [TopicFilter] = []
        var writable: [TopicFilter] = []
    }
    private let rules = Mutex(Rules())

    init(read: [String], write: [String] = ["#"]) throws {
        try change(read: read, write: write)
    }

    func change(read: [String], write: [String] = ["#"]) throws {
        let changed = Rules(
            readable: try read.map { try TopicFilter($0) }, writable: try write.map { try TopicFilter($0) })
        rules.withLock { $0 = changed }
    }

    func allows(_ action: Action, by principal: Principal) -> Bool {
        rules.withLock { rules in
            switch action {
            case .publish(let topic): rules.writable.contains { $0.matches(topic) }
            case .receive(let topic): rules.readable.contains { $0.matches(topic) }
            case .unsubscribe: true
            }
        }
    }

    /// Enough for tests: full for what is listed word by word, else partial while anything is listed.
    func access(to filter: TopicFilter, by principal: Principal) -> SubscriptionAccess {
        rules.withLock { rules in
            if rules.readable.contains(where: { $0.string == filter.pattern }) { return .full }
            if let topic = filter.topicName { return rules.readable.contains { $0.matches(topic) } ? .full : .refused }
            return rules.readable.isEmpty ? .refused : .partial
        }
    }
}

/// User name is client id; logins are withdrawn by name.
private final class ChangingLogins: Authenticator {
    private let withdrawn = Mutex<Set<String>>([])

    func withdraw(_ name: String) { withdrawn.withLock { _ = $0.insert(name) } }

    func authenticate(
        _ credentials: Credentials, completion: @escaping @Sendable (Result<Principal, ConnectRefusal>) -> Void
    ) {
        let user = credentials.username ?? credentials.clientID?.string ?? ""
        completion(.success(Principal(kind: .user(user), clientID: credentials.clientID)))
    }

    func stillHolds(_ principal: Principal) -> Bool {
        guard case .user(let name) = principal.kind else { return true }
        return withdrawn.withLock { !$0.contains(name) }
    }
}

@Suite struct AccessTests {
    @Test func aPartialSubscriptionGetsOnlyWhatMayBeReceived() throws {
        let harness = try Harness(authorizer: try ChangingRights(read: ["a/open"]))
        let client = try harness.connect("c")
        #expect(try client.subscribe("a/+") == .granted(.exactlyOnce))
        try harness.publish("a/open", "1")
        try harness.publish("a/closed", "2")
        #expect(try client.received() == ["1"])
    }

    @Test func retainedMessagesAreFilteredToo() throws {
        let harness = try Harness(authorizer: try ChangingRights(read: ["a/open"]))
        try harness.publish("a/open", "1", retain: true)
        try harness.publish("a/closed", "2", retain: true)
        let client = try harness.connect("c")
        try client.subscribe("a/+")
        #expect(try client.received() == ["1"])
    }

    @Test func aSubscriptionThatLostItsRightEnds() throws {
        let rights = try ChangingRights(read: ["a/b", "kept"])
        let harness = try Harness(authorizer: rights)
        let client = try harness.connect("c")
        for filter in ["a/b", "kept"] { try client.subscribe(filter) }
        try rights.change(read: ["kept"])
        harness.broker.recheckAccess()
        #expect(harness.broker.statistics().subscriptions == 1)
        #expect(harness.events.all.contains(.subscriptionEnded(ClientID("c"), try TopicFilter("a/b"))))
        for topic in ["a/b", "kept"] { try harness.publish(topic, topic) }
        #expect(try client.received() == ["kept"])
        #expect(client.closed.isEmpty)
    }

    @Test func aWildcardSubscriptionIsSilencedWhereTheRightIsGone() throws {
        let rights = try ChangingRights(read: ["a/#"])
        let harness = try Harness(authorizer: rights)
        let client = try harness.connect("c")
        try client.subscribe("a/#")
        try rights.change(read: ["a/open"])
        harness.broker.recheckAccess()
        for topic in ["a/open", "a/closed"] { try harness.publish(topic, topic) }
        #expect(try client.received() == ["a/open"])
        try rights.change(read: ["a/#"])
        harness.broker.recheckAccess()
        try harness.publish("a/closed", "again")
        #expect(try client.received() == ["again"])
    }

    @Test func waitingMessagesGoWithTheRightAndAreCounted() throws {
        let rights = try ChangingRights(read: ["a/#"])
        let harness = try Harness(authorizer: rights)
        let client = try harness.connect("c", .durable)
        try client.subscribe("a/#")
        try client.detach(.lost)
        for topic in ["a/open", "a/closed"] { try harness.publish(topic, topic) }
        try rights.change(read: ["a/open"])
        harness.broker.recheckAccess()
        #expect(try harness.connect("c", .durable).received() == ["a/open"])
        let ledger = harness.broker.statistics().ledger
        #expect(ledger[dropped: .notAuthorized] == 1)
        #expect(ledger.isBalanced)
    }

    @Test func whoLostItsLoginIsDisconnected() throws {
        let logins = ChangingLogins()
        let harness = try Harness(authenticator: logins)
        let gone = try harness.connect("gone", .durable)
        let kept = try harness.connect("kept", .durable)
        logins.withdraw("gone")
        harness.broker.recheckAccess()
        #expect(gone.closed == [.administrative])
        #expect(kept.closed.isEmpty)
        #expect(harness.broker.statistics().attached == 1)
        #expect(harness.events.all.contains(.closed(ClientID("gone"), .administrative)))
    }

    /// The client id alone does not open another user's mailbox.
    @Test func aSessionTakenUpBySomebodyElseKeepsOnlyWhatThatOneMayHave() throws {
        struct Own: Authorizer {
            func allows(_ action: Action, by principal: Principal) -> Bool { principal.kind == .user("alice") }
            func access(to filter: TopicFilter, by principal: Principal) -> SubscriptionAccess {
                principal.kind == .user("alice") ? .full : .refused
            }
        }
        let harness = try Harness(authenticator: ChangingLogins(), authorizer: Own())
        let alice = try harness.connect("shared", .durable, username: "alice")
        try alice.subscribe("private")
        for number in 0..<3 { try harness.publish("private", String(number)) }
        #expect(try alice.take(1).count == 1)
        try alice.detach(.lost)
        let mallory = try harness.connect("shared", .durable, username: "mallory")
        #expect(try mallory.received().isEmpty)
        try harness.publish("private", "later")
        #expect(try mallory.received().isEmpty)
        let ledger = harness.broker.statistics().ledger
        #expect(ledger[dropped: .notAuthorized] == 3)
        #expect(ledger.isBalanced)
    }

    @Test func subscriptionsOfStoredSessionsAreCheckedAtTheStart() throws {
        let store = MemoryStore()
        let first = try Harness(store: store, authorizer: try ChangingRights(read: ["a", "b"]))
        let client = try first.connect("c", .durable)
        for filter in ["a", "b"] { try client.subscribe(filter) }
        let second = try Harness(store: store, authorizer: try ChangingRights(read: ["b"]))
        #expect(second.broker.statistics().subscriptions == 1)
        #expect(try store.load().sessions.first?.subscriptions.map(\.filter.string) == ["b"])
    }

    @Test func aForbiddenUnsubscribeLeavesTheSubscription() throws {
        struct Sticky: Authorizer {
            func allows(_ action: Action, by principal: Principal) -> Bool {
                if case .unsubscribe = action { false } else { true }
            }
            func access(to filter: TopicFilter, by principal: Principal) -> SubscriptionAccess { .full }
        }
        let harness = try Harness(authorizer: Sticky())
        let client = try harness.connect("c")
        try client.subscribe("t")
        #expect(try client.attachment.unsubscribe([try TopicFilter("t")]).outcomes == [.refused(.notAuthorized)])
        try harness.publish("t", "1")
        #expect(try client.received() == ["1"])
    }
}
