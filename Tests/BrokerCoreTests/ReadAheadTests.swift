import Messaging
import Testing

@testable import BrokerCore

@Suite struct ReadAheadTests {
    /// One way or another through an index, the end of none of them excepted.
    private static let topics = [
        "fleet/00000000000/s/t", "fleet/00000000001/any/depth", "fleet/00000000001", "fleet/00000000002",
        "fleet/unknown/s/t",
        "fleet", "other/topic", "$SYS/broker", "/", "a/b/c/d/e/f/g", "fleet/00000000003/s/unknown",
        "fleet/00000000005/",
    ]

    private static func index(_ filters: Int) throws -> SubscriptionIndex {
        var index = SubscriptionIndex()
        for number in 0..<filters {
            let place = "fleet/" + String(repeating: "0", count: 11 - String(number).count) + String(number)
            let filter = try TopicFilter(number % 2 == 0 ? "\(place)/+/t" : "\(place)/#")
            _ = index.insert(Subscription(filter: filter, qos: .atMostOnce), for: Int32(number))
        }
        return index
    }

    private static func messages(_ topics: [String]) throws -> [Message] {
        try topics.map { topic in
            Message(topic: try TopicName(topic), payload: [1], qos: .atMostOnce, publishedAt: Timestamp(nanoseconds: 0))
        }
    }

    private static func receivers(_ index: borrowing SubscriptionIndex, _ message: Message) -> [Int32] {
        var matches = Matches()
        message.withOctets { topic, _ in index.match(topic, into: &matches) }
        return matches.entries.map(\.subscriber)
    }

    @Test func goesForwardByGroupsAndChangesNothing() throws {
        let index = try Self.index(20_000)
        let messages = try Self.messages(Self.topics + Self.topics + Self.topics)
        let before = messages.map { Self.receivers(index, $0) }
        #expect(index.readAhead(MessageBatch(messages)) == 32)
        #expect(index.readAhead(MessageBatch(Array(messages.dropFirst(32)))) == messages.count - 32)
        #expect(messages.map { Self.receivers(index, $0) } == before)
        #expect(before[0] == [0])
        #expect(before[1] == [1])
        #expect(before[4] == [])
    }

    @Test func isLeftOutWhereNothingIsWaitedFor() throws {
        let messages = try Self.messages(Self.topics + Self.topics + Self.topics)
        #expect(try Self.index(100).readAhead(MessageBatch(messages)) == messages.count)
        #expect(try Self.index(20_000).readAhead(MessageBatch([messages[0]])) == 1)
    }
}
