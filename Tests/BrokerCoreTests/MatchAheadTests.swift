import Messaging
import Testing

@testable import BrokerCore

/// Topics of a batch, which are matched together, find whom they find one by one.
@Suite struct MatchAheadTests {
    private static func message(_ topic: String) throws -> Message {
        Message(topic: try TopicName(topic), payload: [1], qos: .atMostOnce, publishedAt: Timestamp(nanoseconds: 0))
    }

    private static func index(_ filters: [String]) throws -> SubscriptionIndex {
        var index = SubscriptionIndex()
        try insert(filters, into: &index)
        return index
    }

    private static func insert(_ filters: [String], into index: inout SubscriptionIndex) throws {
        for (number, filter) in filters.enumerated() {
            let subscription = Subscription(
                filter: try TopicFilter(filter), qos: .atMostOnce, identifier: UInt32(number % 3))
            _ = index.insert(subscription, for: Int32(number))
        }
    }

    /// A topic of the batch, how many neighbours have it, and whom it finds; nil where a walk of its own is left to find out.
    private struct Found: Equatable {
        var topic: String
        var messages: Int
        var receivers: [Int32]?
        var lists = 0
    }

    private static func found(_ index: borrowing SubscriptionIndex, _ topics: [String]) throws -> [Found] {
        let batch = MessageBatch(try topics.map(message))
        var runs = RunsAhead()
        var recent = RecentTopics()
        var all: [Found] = []
        var (message, rest) = (0, 0)
        while message < batch.count {
            if runs.isEmpty {
                var left = MessageBatch()
                for topic in topics[message...] { left.append(try Self.message(topic)) }
                runs.find(in: left)
                index.matchAhead(left, &runs, &recent)
                rest = runs.count
            }
            #expect(rest > 0)
            rest -= 1
            let run = runs.first
            var matches = Matches()
            if run.isMatched { index.match(run, into: &matches) }
            all.append(
                Found(
                    topic: topics[message], messages: run.messages,
                    receivers: run.isMatched ? matches.entries.map(\.subscriber).sorted() : nil,
                    lists: matches.lists.count))
            message += run.messages
            runs.pass(run.messages)
        }
        return all
    }

    private static func receivers(_ index: borrowing SubscriptionIndex, _ topic: String) throws -> ([Int32], lists: Int)
    {
        var matches = Matches()
        try message(topic).withOctets { topic, _ in index.match(topic, into: &matches) }
        return (matches.entries.map(\.subscriber).sorted(), matches.lists.count)
    }

    private static func check(_ index: borrowing SubscriptionIndex, _ topics: [String]) throws -> [Found] {
        let all = try found(index, topics)
        for found in all {
            guard let receivers = found.receivers else { continue }
            let (expected, lists) = try Self.receivers(index, found.topic)
            #expect(receivers == expected, "\(found.topic) among \(topics)")
            #expect(found.lists == lists)
        }
        #expect(all.flatMap { Array(repeating: $0.topic, count: $0.messages) } == topics)
        return all
    }

    /// Any filters, any topics, neighbours of one topic among them.
    @Test(arguments: 1...40 as ClosedRange<UInt64>) func findsWhomWalksFindOneByOne(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        func text(_ words: [String], _ last: [String]) -> String {
            let depth = Int.random(in: 0...4, using: &random)
            let levels = (0..<depth).map { _ in words.randomElement(using: &random) ?? "" }
            return (levels + [last.randomElement(using: &random) ?? ""]).joined(separator: "/")
        }
        let words = ["a", "b", "cc", "", "$x", "longer", "longest name", "ab", "abc", "abcd"].shuffled(using: &random)
        let names = Array(words[..<Int.random(in: 2...words.count, using: &random)])
        var filters = (0..<Int.random(in: 1...60, using: &random)).map { _ in text(names + ["+"], names + ["+", "#"]) }
        filters.removeAll(where: \.isEmpty)
        let index = try Self.index(filters)
        // As devices do, under one prefix, or all over.
        let prefix = Bool.random(using: &random) ? text(names, names) + "/" : ""
        var topics: [String] = []
        while topics.count < 150 {
            let topic = prefix + text(names, names)
            guard !topic.isEmpty else { continue }
            topics += Array(repeating: topic, count: Int.random(in: 1...3, using: &random))
        }
        let all = try Self.check(index, topics)
        #expect(filters.count > 20 || all.contains { $0.receivers != nil })
    }

    @Test func neighboursAreFoundTogetherHoweverManyTheyAre() throws {
        let index = try Self.index(["a/#", "b"])
        let topics = Array(repeating: "a/x", count: 100) + ["b"] + Array(repeating: "a/y", count: 50)
        #expect(
            try Self.check(index, topics) == [
                Found(topic: "a/x", messages: 100, receivers: [0], lists: 1),
                Found(topic: "b", messages: 1, receivers: [1], lists: 1),
                Found(topic: "a/y", messages: 50, receivers: [0], lists: 1),
            ])
    }

    /// MQTT-4.7.2-1 holds for it, too.
    @Test(arguments: [("a", [0, 2]), ("b/x", [1, 2]), ("b", [2]), ("$SYS/x", [3])] as [(String, [Int32])])
    func aTopicAloneIsMatchedAsAmongOthers(topic: String, receivers: [Int32]) throws {
        let index = try Self.index(["a", "+/x", "#", "$SYS/#"])
        let found = Found(topic: topic, messages: 2, receivers: receivers, lists: receivers.count)
        #expect(try Self.check(index, [topic, topic]) == [found])
    }

    @Test func nobodyIsFoundWhereNobodyHasSubscribed() throws {
        #expect(try Self.check(SubscriptionIndex(), ["a", "b"]).allSatisfy { $0.receivers == [] })
    }

    /// MQTT-4.7.2-1
    @Test func reservedTopicsAmongOthersMatchNoWildcardAtTheFront() throws {
        let index = try Self.index(["#", "+/x", "$SYS/#", "$SYS/+"])
        for topics in [["$SYS/x", "a/x"], ["a/x", "$SYS/x"], ["$SYS/x", "$SYS/y"]] {
            let all = try Self.check(index, topics)
            #expect(all.first { $0.topic == "$SYS/x" }?.receivers == [2, 3])
        }
    }

    @Test func moreThanThreeListsAreLeftToAWalk() throws {
        let all = try Self.check(Self.index(["#", "a/#", "a/b", "+/c", "a/+", "d/e", "+/e"]), ["a/b", "d/e", "f/c"])
        #expect(all.map { $0.receivers == nil } == [true, false, false])
    }

    /// They take turns, so they are asked when it is their topic's turn.
    @Test func shareGroupsAreLeftToAWalk() throws {
        let index = try Self.index(["$share/g/a/+", "$share/g/b/#", "$exclusive/c", "a/x", "b/x", "d"])
        let all = try Self.check(index, ["a/x", "b/x", "c", "d"])
        #expect(all.map { $0.receivers == nil } == [true, true, true, false])
    }

    /// Where each of seven levels has two ways, a batch has more ways than it goes at once. Those beyond are left to a walk.
    @Test func moreWaysThanRoomAreLeftToAWalk() throws {
        let ways = (0..<128).map { way in
            (0..<7).map { way >> $0 & 1 == 0 ? "+" : "a" }.joined(separator: "/")
        }
        let last = "a/a/a/a/a/a/a/end"
        let index = try Self.index(ways.map { "\($0)/other" } + [last, "other/x", "other/y"])
        let all = try Self.check(index, ["other/x", last, "other/y"])
        #expect(all.map(\.receivers) == [[129], nil, [130]])
        #expect(try Self.receivers(index, last).0 == [128])
    }

    /// What is beyond the most that go at once has its turn afterwards.
    @Test func topicsGoInGroups() throws {
        let count = RunsAhead.most * 5 / 2
        let filters = (0..<count).map { $0 % 2 == 0 ? "site/\($0 + 1_000)/+/t" : "site/\($0 + 1_000)/#" }
        let topics = (0..<count).map { "site/\($0 + 1_000)/s/t" }
        let all = try Self.check(Self.index(filters), topics)
        #expect(all.map(\.receivers) == (0..<Int32(count)).map { [$0] })
    }

    /// Levels of the same hash are told apart by their names. The hash has 32 bits: among so many names two have the same.
    @Test func levelsOfTheSameHashAreToldApart() throws {
        let seed: UInt64 = 7
        var known: [UInt32: String] = [:]
        var pair: (String, String)?
        for number in 0..<400_000 where pair == nil {
            let name = "n\(number)"
            let hash = name.utf8.span.bytes.withUnsafeBytes { LevelKey($0).hash(under: LevelNode.root, seed: seed) }
            if let other = known.updateValue(name, forKey: hash) { pair = (other, name) }
        }
        let (one, other) = try #require(pair)
        for filters in [[one, other, "third"], [other, one, "third"], [one, "third", "fourth"]] {
            var index = SubscriptionIndex()
            index.tree = SubscriptionIndex.Tree(load: SubscriptionIndex.Branch(), seed: seed)
            try Self.insert(filters, into: &index)
            let all = try Self.check(index, [one, other, "third"])
            #expect(all[0].receivers == [Int32(filters.firstIndex(of: one) ?? -1)])
            #expect(all[1].receivers == (filters.firstIndex(of: other).map { [Int32($0)] } ?? []))
        }
    }
}
