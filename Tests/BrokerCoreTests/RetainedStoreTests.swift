import Messaging
import Testing

@testable import BrokerCore

@Suite struct RetainedStoreTests {
    private static func message(_ topic: String, _ text: String) throws -> Message {
        Message(
            topic: try TopicName(topic), payload: Array(text.utf8), qos: .atMostOnce, retain: true,
            publishedAt: Timestamp(nanoseconds: 0))
    }

    private static func topics(_ store: borrowing RetainedStore, _ filter: String) throws -> [String] {
        var found: [Message] = []
        store.collect(try TopicFilter(filter), limit: .max, into: &found)
        return found.map(\.topic.string).sorted()
    }

    @Test func keepsTheLastValueAndAnEmptyOneClears() throws {
        var store = RetainedStore()
        #expect(store.set(try Self.message("a", "1"), limit: 9) == .stored)
        #expect(store.set(try Self.message("a", "22"), limit: 9) == .stored)
        #expect(store.message(of: try TopicName("a"))?.payload == Array("22".utf8))
        #expect(store.count == 1 && store.octets == 3)
        #expect(store.set(try Self.message("a", ""), limit: 9) == .removed)
        #expect(store.set(try Self.message("a", ""), limit: 9) == .unchanged)
        #expect(store.count == 0 && store.octets == 0)
    }

    /// Among 100,000 topics two levels have one hash; a search that compares no names goes astray in the other one.
    @Test func aMessageIsFoundBelowALevelWhoseHashIsAnothers() throws {
        var store = RetainedStore()
        let levels = Self.levelsOfOneHash(seed: store.tree.withView { $0.seed })
        let (first, second) = try #require(levels)
        _ = store.set(try Self.message(first, "1"), limit: 9)  // and nothing below it
        _ = store.set(try Self.message("\(second)/t", "2"), limit: 9)
        #expect(store.message(of: try TopicName("\(second)/t"))?.payload == Array("2".utf8))
        var copies: [RetainedCopy] = []
        store.collect(for: [Subscription(filter: try TopicFilter("\(second)/t"), qos: .atMostOnce)], into: &copies)
        #expect(copies.map(\.message.payload) == [Array("2".utf8)])
    }

    /// Nil when there are none, as in one of 10 million trees.
    private static func levelsOfOneHash(seed: UInt64) -> (String, String)? {
        var levels: [UInt32: String] = [:]
        for number in 0..<400_000 {
            let level = "device-\(number)"
            let hash = Array(level.utf8).withUnsafeBytes { LevelKey($0).hash(under: LevelNode.root, seed: seed) }
            if let other = levels.updateValue(level, forKey: hash) { return (other, level) }
        }
        return nil
    }

    /// A topic without a message lies on the way to one, beyond one, beside one and in one's place.
    @Test(arguments: ["a", "a/b", "a/b/c/d", "a/b/x", "x/b/c", "a/x/c", "a/b/cc", "$a/b/c"])
    func findsAMessageByItsWholeNameOnly(topic: String) throws {
        var store = RetainedStore()
        _ = store.set(try Self.message("a/b/c", "1"), limit: 9)
        #expect(store.message(of: try TopicName(topic)) == nil)
        _ = store.set(try Self.message(topic, "2"), limit: 9)
        #expect(store.message(of: try TopicName(topic))?.payload == Array("2".utf8))
        #expect(store.message(of: try TopicName("a/b/c"))?.payload == Array("1".utf8))
    }

    @Test func refusesANewTopicAtTheLimitButNotANewValue() throws {
        var store = RetainedStore()
        #expect(store.set(try Self.message("a", "1"), limit: 1) == .stored)
        #expect(store.set(try Self.message("b", "1"), limit: 1) == .full)
        #expect(store.set(try Self.message("a", "2"), limit: 1) == .stored)
    }

    @Test func collectsByFilter() throws {
        var store = RetainedStore()
        for topic in ["a", "a/b", "a/b/c", "a/d", "$SYS/x", "/a"] {
            _ = store.set(try Self.message(topic, "x"), limit: 99)
        }
        #expect(try Self.topics(store, "a/#") == ["a", "a/b", "a/b/c", "a/d"])
        #expect(try Self.topics(store, "a/+") == ["a/b", "a/d"])
        #expect(try Self.topics(store, "#") == ["/a", "a", "a/b", "a/b/c", "a/d"])
        #expect(try Self.topics(store, "+/x") == [])
        #expect(try Self.topics(store, "$SYS/#") == ["$SYS/x"])
        #expect(try Self.topics(store, "a/b") == ["a/b"])
        #expect(try Self.topics(store, "+/+") == ["/a", "a/b", "a/d"])
    }
}
