import Testing

@testable import Messaging

struct MessageCopiesTests {
    private static func message() throws -> Message {
        Message(topic: try TopicName("t"), payload: [1, 2], qos: .atLeastOnce, publishedAt: .never)
    }

    @Test(arguments: [1, 2, 1_000]) func handsOutTheSameMessage(count: Int) throws {
        let message = try Self.message()
        var copies = MessageCopies(of: message, count: count)
        let taken = (0..<count).map { _ in copies.take() }
        #expect(copies.count == 0)
        #expect(taken.allSatisfy { $0.isSame(as: message) })
    }

    @Test(arguments: 0...3) func aMessageLivesAsLongAsACopyOfIt(taken: Int) throws {
        weak var storage: Message.Storage?
        var kept: [Message] = []
        do {
            let message = try Self.message()
            storage = message.storage
            var copies = MessageCopies(of: message, count: 3)
            for _ in 0..<taken { kept.append(copies.take()) }
        }
        #expect((storage == nil) == (taken == 0))
        kept.removeAll()
        #expect(storage == nil)
    }

    @Test func aDuplicateSaysTheSameAndIsAnother() throws {
        for publisher in [nil, ClientID(""), ClientID("somebody")] {
            let message = Message(
                topic: try TopicName("a/b"), payload: [1, 2], qos: .exactlyOnce, retain: true,
                publishedAt: Timestamp(nanoseconds: 1), expiresAt: Timestamp(nanoseconds: 2), publisher: publisher,
                properties: MessageProperties(contentType: "c"))
            let duplicate = message.duplicate()
            #expect(!duplicate.isSame(as: message))
            #expect(duplicate.topic == message.topic && duplicate.payload == message.payload)
            #expect(duplicate.qos == message.qos && duplicate.retain == message.retain)
            #expect(duplicate.publishedAt == message.publishedAt && duplicate.expiresAt == message.expiresAt)
            #expect(duplicate.publisher == message.publisher && duplicate.properties == message.properties)
        }
    }
}
