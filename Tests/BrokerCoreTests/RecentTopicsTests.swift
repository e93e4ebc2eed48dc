import Messaging
import TestKit
import Testing

@testable import BrokerCore

/// A topic that came a while ago finds whom it would find in the index.
@Suite struct RecentTopicsTests {
    private static func batch(_ topic: String) throws -> MessageBatch {
        let message = Message(
            topic: try TopicName(topic), payload: [1], qos: .atMostOnce, publishedAt: Timestamp(nanoseconds: 0))
        return MessageBatch([message, message])
    }

    private static func receivers(_ index: borrowing SubscriptionIndex, _ run: RunsAhead.Run) -> [Int32]? {
        guard run.isMatched else { return nil }
        var matches = Matches()
        index.match(run, into: &matches)
        return matches.entries.map(\.subscriber).sorted()
    }

    private static func found(
        _ index: borrowing SubscriptionIndex, _ recent: inout RecentTopics, _ topic: String
    ) throws -> [Int32]? {
        let batch = try batch(topic)
        var runs = RunsAhead()
        runs.find(in: batch)
        index.matchAhead(batch, &runs, &recent)
        #expect(runs.first.messages == 2, "what is remembered says nothing of how many there are")
        return receivers(index, runs.first)
    }

    private static func isKnown(
        _ index: borrowing SubscriptionIndex, _ recent: borrowing RecentTopics, _ topic: String
    ) throws -> Bool {
        let batch = try batch(topic)
        var run = RunsAhead.Run(messages: 5)
        let isKnown = recent.recall(batch[0].octetsInPlace.topic, index.version, for: &run)
        #expect(run.messages == 5)
        return isKnown
    }

    private static func insert(_ filter: String, of subscriber: Int32, into index: inout SubscriptionIndex) throws {
        _ = index.insert(Subscription(filter: try TopicFilter(filter), qos: .atMostOnce), for: subscriber)
    }

    /// Subscriptions come and go while topics are asked for, more topics than are remembered.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func changesOfTheIndexAreMinded(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let levels = ["a", "b", "sensor", "temperature", ""]
        func path(_ words: [String]) -> String {
            (0..<Int.random(in: 1...4, using: &random)).map { _ in words.randomElement(using: &random) ?? "" }
                .joined(separator: "/")
        }
        var index = SubscriptionIndex()
        var recent = RecentTopics()
        var held: [(String, Int32)] = []
        var hits = 0
        for step in 0..<3_000 {
            let topic = "t/" + path(levels)
            let isKnown = try Self.isKnown(index, recent, topic)
            if isKnown { hits += 1 }
            var none = RecentTopics()
            let expected = try Self.found(index, &none, topic)
            let found = try Self.found(index, &recent, topic)
            #expect(found == expected, "\(topic) at step \(step), known: \(isKnown)")
            guard Int.random(in: 0..<10, using: &random) == 0 else { continue }
            if let (filter, subscriber) = held.randomElement(using: &random), Bool.random(using: &random) {
                _ = index.remove(try TopicFilter(filter), of: subscriber)
            } else {
                let share = Int.random(in: 0..<8, using: &random) == 0 ? "$share/g/" : ""
                held.append((share + "t/" + path(levels + ["+"]), Int32.random(in: 0..<6, using: &random)))
                try Self.insert(held[held.count - 1].0, of: held[held.count - 1].1, into: &index)
            }
        }
        #expect(hits > 0)
    }

    @Test func whatWasMatchedIsKnownUntilASubscriptionComesOrGoes() throws {
        var index = SubscriptionIndex()
        var recent = RecentTopics()
        try Self.insert("a/+", of: 1, into: &index)
        #expect(try !Self.isKnown(index, recent, "a/b"))
        #expect(try Self.found(index, &recent, "a/b") == [1])
        #expect(try Self.isKnown(index, recent, "a/b"))
        try Self.insert("a/b", of: 2, into: &index)
        #expect(try !Self.isKnown(index, recent, "a/b"))
        #expect(try Self.found(index, &recent, "a/b") == [1, 2])
        _ = index.remove(try TopicFilter("a/+"), of: 1)
        #expect(try !Self.isKnown(index, recent, "a/b"))
        #expect(try Self.found(index, &recent, "a/b") == [2])
        #expect(try Self.isKnown(index, recent, "a/b"))
    }

    /// That nobody gets a topic is known, too.
    @Test func nobodyIsRemembered() throws {
        let index = SubscriptionIndex()
        var recent = RecentTopics()
        #expect(try Self.found(index, &recent, "a") == [])
        #expect(try Self.isKnown(index, recent, "a"))
        #expect(try !Self.isKnown(index, recent, "b"))
    }

    /// Members of a share group take turns, so each message asks anew.
    @Test func shareGroupsAreNotRemembered() throws {
        var index = SubscriptionIndex()
        var recent = RecentTopics()
        try Self.insert("$share/g/a", of: 1, into: &index)
        #expect(try Self.found(index, &recent, "a") == nil)
        #expect(try !Self.isKnown(index, recent, "a"))
    }

    @Test(arguments: [(RecentTopics.longest, true), (RecentTopics.longest + 1, false)])
    func longTopicsAreNotRemembered(octets: Int, isRemembered: Bool) throws {
        var index = SubscriptionIndex()
        var recent = RecentTopics()
        try Self.insert("#", of: 1, into: &index)
        let topic = String(repeating: "x", count: octets)
        #expect(try Self.found(index, &recent, topic) == [1])
        #expect(try Self.isKnown(index, recent, topic) == isRemembered)
    }
}
