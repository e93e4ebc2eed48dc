import Messaging
import TestKit
import Testing

@testable import BrokerCore

@Suite struct ShareStrategyTests {
    /// How many of `topics` published by `publishers` each of three members gets.
    private func shares(
        _ strategy: ShareStrategy, topics: [String] = ["t/1"], publishers: [String] = ["p"], messages: Int = 30
    ) throws -> [Int] {
        var features = BrokerFeatures()
        features.shareStrategy = strategy
        let harness = try Harness(features: features)
        let members = try (0..<3).map { try harness.connect("m\($0)") }
        for member in members { try member.subscribe("$share/g/t/+") }
        var outcomes: [PublishOutcome] = []
        for number in 0..<messages {
            let message = try harness.message(
                topics[number % topics.count], "x", publisher: publishers[number / topics.count % publishers.count])
            harness.broker.publish([message], as: .gateway, via: "sys", outcomes: &outcomes)
        }
        return try members.map { try $0.take().count }
    }

    @Test func roundRobinDealsEvenly() throws { #expect(try shares(.roundRobin) == [10, 10, 10]) }

    @Test func randomReachesEverybody() throws {
        let counts = try shares(.random, messages: 300)
        #expect(counts.reduce(0, +) == 300)
        #expect(counts.allSatisfy { $0 > 0 })
    }

    @Test func stickyStaysWithOne() throws { #expect(try shares(.sticky).sorted() == [0, 0, 30]) }

    @Test func stickyChangesWhenItsMemberIsAwayAndThenStays() throws {
        var features = BrokerFeatures()
        features.shareStrategy = .sticky
        let harness = try Harness(features: features)
        let first = try harness.connect("a"), second = try harness.connect("b")
        for client in [first, second] { try client.subscribe("$share/g/t") }
        try harness.publish("t", "1")
        #expect(try first.received() == ["1"])
        try first.attachment.supervise(.asleep, silence: nil)
        try harness.publish("t", "2")
        try first.attachment.supervise(.awake, silence: nil)
        try harness.publish("t", "3")
        #expect(try second.received() == ["2", "3"])
        try second.detach(.goodbye)
        try harness.publish("t", "4")
        // 2 and 3 were not acknowledged.
        #expect(try first.received() == ["2", "3", "4"])
    }

    @Test func hashOfTheClientKeepsAPublisherTogether() throws {
        #expect(try shares(.hashClientID, topics: ["t/1", "t/2", "t/3"]).sorted() == [0, 0, 30])
        let many = try shares(.hashClientID, publishers: (0..<30).map { "publisher-\($0)" })
        #expect(many.filter { $0 > 0 }.count > 1)
    }

    @Test func hashOfTheTopicKeepsATopicTogether() throws {
        #expect(try shares(.hashTopic, publishers: ["p", "q", "r"]).sorted() == [0, 0, 30])
        let many = try shares(.hashTopic, topics: (0..<30).map { "t/\($0)" })
        #expect(many.filter { $0 > 0 }.count > 1)
    }
}

@Suite struct RedeliveryTests {
    /// MQTT 5.0, 4.8.2: when the session of a member ends, its QoS 1 messages go to another.
    @Test func whatAMemberLeavesGoesToAnother() throws {
        let harness = try Harness()
        let leaving = try harness.connect("leaving")
        try leaving.subscribe("$share/g/t")
        for number in 0..<4 { try harness.publish("t", String(number)) }
        let staying = try harness.connect("staying")
        try staying.subscribe("$share/g/t")
        #expect(try leaving.take(2).count == 2)
        try leaving.detach(.lost)
        #expect(staying.wakeCount == 1)
        #expect(try staying.received() == ["0", "1", "2", "3"])
        let ledger = harness.broker.statistics().ledger
        #expect(ledger.isBalanced)
        #expect(ledger.accepted == 4)
        #expect(ledger[dropped: .sessionEnded] == 0)
    }

    /// MQTT-4.8.2-5: a delivery at QoS 2 that has begun is not sent to anybody else.
    @Test func aBegunExactlyOnceDeliveryGoesToNobodyElse() throws {
        let harness = try Harness()
        let leaving = try harness.connect("leaving")
        try leaving.subscribe("$share/g/t")
        for text in ["begun", "waiting"] { try harness.publish("t", text, qos: .exactlyOnce) }
        let staying = try harness.connect("staying")
        try staying.subscribe("$share/g/t")
        #expect(try leaving.take(1).count == 1)
        try leaving.detach(.lost)
        #expect(try staying.received() == ["waiting"])
        let ledger = harness.broker.statistics().ledger
        #expect(ledger[dropped: .sessionEnded] == 1)
        #expect(ledger.isBalanced)
    }

    /// A session that outlives its connection keeps what it has (MQTT 5.0, 4.8.2: the server may wait for the client).
    @Test func aDetachedMemberKeepsItsMessages() throws {
        let harness = try Harness()
        let away = try harness.connect("away", .durable)
        try away.subscribe("$share/g/t")
        try harness.publish("t", "1")
        let other = try harness.connect("other")
        try other.subscribe("$share/g/t")
        try away.detach(.lost)
        #expect(try other.received() == [])
        harness.advance(.seconds(3_601))
        #expect(try other.received() == ["1"])
    }

    @Test func theLastMembersMessagesCountAsDropped() throws {
        let harness = try Harness()
        let only = try harness.connect("only")
        try only.subscribe("$share/g/t")
        try only.subscribe("plain")
        try harness.publish("t", "1")
        try harness.publish("plain", "2")
        try only.detach(.lost)
        let ledger = harness.broker.statistics().ledger
        #expect(ledger[dropped: .sessionEnded] == 2)
        #expect(ledger.isBalanced)
    }

    @Test func onlyWhatCameByTheGroupIsPassedOn() throws {
        let harness = try Harness()
        let leaving = try harness.connect("leaving")
        try leaving.subscribe("$share/g/t")
        try leaving.subscribe("own")
        try harness.publish("own", "own")
        try harness.publish("t", "shared")
        let staying = try harness.connect("staying")
        for filter in ["$share/g/t", "$share/other/t"] { try staying.subscribe(filter) }
        try leaving.detach(.lost)
        #expect(try staying.received() == ["shared"])
    }
}
