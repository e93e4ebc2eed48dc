import Messaging
import Testing

/// Topic and payload lie behind a message's fields: what was put in is what is lent out.
struct MessageTests {
    private static let payloads: [[UInt8]] = [[], [0], Array("21.5".utf8), [UInt8](repeating: 0xA5, count: 70_000)]

    @Test(arguments: payloads, ["a", "sensors/hall/temperature", "größe/Δ"])
    func lendsWhatWasPutIn(payload: [UInt8], topic: String) throws {
        let message = try Self.message(topic, payload)
        #expect(message.payload == payload)
        #expect(message.payloadCount == payload.count)
        #expect(message.octets == topic.utf8.count + payload.count)
        withExtendedLifetime(message) {
            #expect(Array(message.octetsInPlace.topic) == Array(topic.utf8))
            #expect(Array(message.octetsInPlace.payload) == payload)
        }
    }

    @Test func takesTheLongestTopic() throws {
        let topic = String(repeating: "t", count: TopicName.maximumOctets)
        let message = try Self.message(topic, [1])
        #expect(message.octets == TopicName.maximumOctets + 1)
        #expect(withExtendedLifetime(message) { message.octetsInPlace.topic.count } == TopicName.maximumOctets)
    }

    /// One client's messages under one name go together; whose string is another one may go alone, though it says the same.
    @Test func tellsWhichWayItGoes() throws {
        let topic = try TopicName("sensors/hall/temperature")
        let (anna, bert) = (ClientID("a-client-with-a-long-name"), ClientID("another-client-with-a-long-name"))
        func message(_ topic: TopicName, _ publisher: ClientID?) -> Message {
            Message(topic: topic, payload: [1], qos: .atMostOnce, publishedAt: .never, publisher: publisher)
        }
        #expect(message(topic, anna).way == message(topic, anna).way)
        #expect(message(topic, nil).way == message(topic, nil).way)
        #expect(message(topic, anna).way != message(topic, bert).way)
        #expect(message(topic, anna).way != message(topic, nil).way)
        #expect(message(topic, anna).way != message(try TopicName("sensors/hall/humidity-of-air"), anna).way)
    }

    @Test func isTheSameOrOnlyAlike() throws {
        let message = try Self.message("a", [1])
        let other = message
        #expect(message.isSame(as: other))
        #expect(!message.isSame(as: try Self.message("a", [1])))
    }

    private static func message(_ topic: String, _ payload: [UInt8]) throws -> Message {
        Message(topic: try TopicName(topic), payload: payload, qos: .atLeastOnce, publishedAt: .never)
    }
}

/// What goes into a batch comes out of it in the same order, whatever was taken between.
struct MessageBatchTests {
    private static func message(_ number: Int) throws -> Message {
        Message(topic: try TopicName("t/\(number)"), payload: [], qos: .atMostOnce, publishedAt: .never)
    }

    private static func topics(_ batch: borrowing MessageBatch) -> [String] {
        (0..<batch.count).map { batch[$0].topic.string }
    }

    @Test func isTakenOutInOrder() throws {
        var batch = MessageBatch(try (0..<3).map(Self.message))
        #expect(Self.topics(batch) == ["t/0", "t/1", "t/2"])
        let first = batch.takeFirst()
        #expect(first.topic.string == "t/0")
        batch.append(try Self.message(3))
        #expect(Self.topics(batch) == ["t/1", "t/2", "t/3"])
        var taken: [String] = []
        while !batch.isEmpty { taken.append(batch.takeFirst().topic.string) }
        #expect(taken == ["t/1", "t/2", "t/3"])
        batch.append(try Self.message(4))
        #expect(Self.topics(batch) == ["t/4"])
    }
}
