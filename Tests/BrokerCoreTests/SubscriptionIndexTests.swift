import Messaging
import Testing

@testable import BrokerCore

@Suite struct SubscriptionIndexTests {
    private static func subscription(_ filter: String, qos: QoS = .atMostOnce, id: UInt32 = 0) throws -> Subscription {
        Subscription(filter: try TopicFilter(filter), qos: qos, identifier: id)
    }

    private static func receivers(_ index: borrowing SubscriptionIndex, _ topic: String) throws -> [Int32] {
        var matches = Matches()
        let message = Message(topic: try TopicName(topic), payload: [], qos: .atMostOnce, publishedAt: .never)
        message.withOctets { topic, _ in index.match(topic, into: &matches) }
        for group in matches.groups {
            matches.append(index.pick(from: group, by: .roundRobin, for: message, isListening: { _ in true }))
        }
        return matches.entries.map(\.subscriber).sorted()
    }

    @Test func findsExactPlusAndHash() throws {
        var index = SubscriptionIndex()
        for (subscriber, filter) in ["a/b", "a/+", "a/#", "#", "+/b", "a/b/#", "b"].enumerated() {
            #expect(index.insert(try Self.subscription(filter), for: Int32(subscriber)))
        }
        #expect(try Self.receivers(index, "a/b") == [0, 1, 2, 3, 4, 5])
        #expect(try Self.receivers(index, "a") == [2, 3])
        #expect(try Self.receivers(index, "b") == [3, 6])
        #expect(try Self.receivers(index, "x/y/z") == [3])
    }

    /// MQTT-4.7.2-1
    @Test func wildcardsAtTheFrontDoNotMatchReservedTopics() throws {
        var index = SubscriptionIndex()
        _ = index.insert(try Self.subscription("#"), for: 0)
        _ = index.insert(try Self.subscription("+/x"), for: 1)
        _ = index.insert(try Self.subscription("$SYS/#"), for: 2)
        _ = index.insert(try Self.subscription("$SYS/+"), for: 3)
        #expect(try Self.receivers(index, "$SYS/x") == [2, 3])
    }

    /// MQTT-3.8.4-3
    @Test func anEqualFilterReplacesTheOptions() throws {
        var index = SubscriptionIndex()
        #expect(index.insert(try Self.subscription("a", qos: .atMostOnce), for: 0))
        #expect(!index.insert(try Self.subscription("a", qos: .exactlyOnce, id: 9), for: 0))
        var matches = Matches()
        "a".utf8.span.bytes.withUnsafeBytes { index.match($0, into: &matches) }
        #expect(matches.entries.count == 1)
        #expect(matches.entries.first?.options.qos == .exactlyOnce)
        #expect(matches.entries.first?.identifier == 9)
        #expect(index.count == 1)
    }

    @Test func aShareGroupGetsOneCopyInTurn() throws {
        var index = SubscriptionIndex()
        for subscriber in 0..<3 { _ = index.insert(try Self.subscription("$share/g/a/#"), for: Int32(subscriber)) }
        _ = index.insert(try Self.subscription("$share/h/a/#"), for: 7)
        _ = index.insert(try Self.subscription("a/#"), for: 0)
        var counts: [Int32: Int] = [:]
        for _ in 0..<30 { for receiver in try Self.receivers(index, "a/x") { counts[receiver, default: 0] += 1 } }
        #expect(counts == [0: 40, 1: 10, 2: 10, 7: 30])
    }

    @Test func removingTheLastMemberRemovesTheGroup() throws {
        var index = SubscriptionIndex()
        _ = index.insert(try Self.subscription("$share/g/a"), for: 0)
        #expect(index.remove(try TopicFilter("$share/g/a"), of: 0))
        #expect(!index.remove(try TopicFilter("$share/g/a"), of: 0))
        #expect(try Self.receivers(index, "a") == [])
        #expect(index.count == 0 && index.sharedCount == 0)
    }

    @Test func knowsTheFiltersOfASubscriber() throws {
        var index = SubscriptionIndex()
        let filters = ["a/+/c", "$share/g/a/#", "/", "x"]
        for filter in filters { _ = index.insert(try Self.subscription(filter), for: 3) }
        #expect(Set(index.filters(of: 3)) == Set(filters))
        #expect(index.count(of: 3) == 4)
        index.removeAll(of: 3)
        #expect(index.filters(of: 3) == [])
        #expect(index.count == 0)
    }

    /// Against the definition, `TopicFilter.matches`, while subscriptions come and go.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func agreesWithTheDefinitionUnderRandomChanges(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var index = SubscriptionIndex()
        var model: [Int32: Set<TopicFilter>] = [:]
        func level(wildcards: Bool) -> String {
            let words = ["a", "b", "cc", "", "$x"] + (wildcards ? ["+"] : [])
            return words.randomElement(using: &random) ?? ""
        }
        for step in 0..<3_000 {
            var levels = (0..<Int.random(in: 1...4, using: &random)).map { _ in level(wildcards: true) }
            if Bool.random(using: &random) { levels.append("#") }
            let text = levels.joined(separator: "/")
            guard !text.isEmpty else { continue }
            let filter = try TopicFilter(text)
            let subscriber = Int32.random(in: 0..<20, using: &random)
            if step % 3 == 2, let victim = model[subscriber]?.randomElement(using: &random) {
                let removed = index.remove(victim, of: subscriber)
                #expect(removed)
                model[subscriber]?.remove(victim)
            } else if step % 500 == 499 {
                index.removeAll(of: subscriber)
                model[subscriber] = nil
            } else {
                let isNew = model[subscriber, default: []].insert(filter).inserted
                let wasNew = index.insert(Subscription(filter: filter, qos: .atMostOnce), for: subscriber)
                #expect(wasNew == isNew)
            }
            let topicText = (0..<Int.random(in: 1...4, using: &random)).map { _ in level(wildcards: false) }
                .joined(separator: "/")
            guard !topicText.isEmpty else { continue }
            let topic = try TopicName(topicText)
            let expected = model.flatMap { id, filters in filters.filter { $0.matches(topic) }.map { _ in id } }
            #expect(try Self.receivers(index, topicText) == expected.sorted())
        }
        #expect(index.count == model.values.reduce(0) { $0 + $1.count })
    }

    /// At the sizes at which its arrays have grown and at those at which they are full; `+` alone takes most.
    @Test(arguments: ["+/t", "+/#"])
    func aSubscriptionTakesNoMoreThan150Octets(end: String) throws {
        var index = SubscriptionIndex()
        for number in 0..<4_000 {
            _ = index.insert(try Self.subscription("bench/\(number + 10_000_000)/\(end)"), for: Int32(number % 100))
            if number >= 1_000, number % 100 == 0 { #expect(index.octets / index.count <= 150) }
        }
    }

    @Test func identifiersComeAndGoWithTheirSubscriptions() throws {
        var index = SubscriptionIndex()
        for subscriber in 0..<40 {
            _ = index.insert(try Self.subscription("a", id: UInt32(subscriber % 3)), for: Int32(subscriber))
        }
        _ = index.insert(try Self.subscription("a"), for: 1)
        #expect(index.remove(try TopicFilter("a"), of: 2))
        _ = index.insert(try Self.subscription("a"), for: 40)
        var matches = Matches()
        "a".utf8.span.bytes.withUnsafeBytes { index.match($0, into: &matches) }
        for entry in matches.entries {
            let expected = entry.subscriber == 1 || entry.subscriber == 40 ? 0 : UInt32(entry.subscriber % 3)
            #expect(entry.identifier == expected)
        }
        #expect(matches.entries.count == 40)
    }
}
