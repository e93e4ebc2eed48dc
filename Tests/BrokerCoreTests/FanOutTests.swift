import Messaging
import Testing

@testable import BrokerCore

/// One message to many receivers, who are served by several threads.
@Suite struct FanOutTests {
    /// More receivers than `RunCopies.manyReceivers`, among them each kind of which the lane matters.
    private static let receivers = 3 * RunCopies.manyReceivers
    private static let lanes: UInt8 = 3

    private static func crowd(_ harness: Harness, _ options: SessionOptions = .clean) throws -> [TestClient] {
        try (0..<receivers).map { number in
            let client = try harness.connect("c\(number)", options, lane: UInt8(number) % lanes)
            try client.subscribe("t")
            return client
        }
    }

    private static func messages(_ harness: Harness, _ count: Int) throws -> [Message] {
        try (0..<count).map { try harness.message("t", "\($0)", publisher: $0 % 2 == 0 ? "p" : nil) }
    }

    private static func published(_ messages: [Message], by harness: Harness) -> [PublishOutcome] {
        var outcomes: [PublishOutcome] = []
        harness.broker.publish(messages, as: .gateway, via: "mqtt.tcp", outcomes: &outcomes)
        return outcomes
    }

    @Test func everyReceiverGetsEachMessageWhateverItsLane() throws {
        let harness = try Harness()
        let clients = try Self.crowd(harness)
        let messages = try Self.messages(harness, 20)
        #expect(
            Self.published(messages, by: harness)
                == Array(repeating: .accepted(receivers: Self.receivers, commit: .none), count: 20))
        for client in clients {
            let deliveries = try client.take()
            #expect(deliveries.map(\.message.payload) == messages.map(\.payload))
            #expect(deliveries.map(\.message.topic) == messages.map(\.topic))
            #expect(deliveries.map(\.message.publisher) == messages.map(\.publisher))
        }
    }

    @Test func eachLaneHasAMessageOfItsOwn() throws {
        let harness = try Harness()
        let clients = try Self.crowd(harness)
        _ = Self.published(try Self.messages(harness, 1), by: harness)
        // The last receiver gets the publisher's, whatever its lane.
        let received = try clients.dropLast().map { try #require(try $0.take().first).message }
        for (number, message) in received.enumerated() {
            #expect(message.isSame(as: received[number % Int(Self.lanes)]))
        }
        #expect(!received[0].isSame(as: received[1]) && !received[1].isSame(as: received[2]))
    }

    /// The store keeps a message once for all receivers that have the same one.
    @Test func whatIsStoredIsOneMessageForAllLanes() throws {
        let harness = try Harness(store: MemoryStore())
        let clients = try Self.crowd(harness, .durable)
        _ = Self.published(try Self.messages(harness, 1), by: harness)
        let received = try clients.map { try #require(try $0.take().first).message }
        #expect(received.allSatisfy { $0.isSame(as: received[0]) })
    }

    /// What was refused or has nobody to go to is not handed out, and what is handed out is accounted for.
    @Test func aMessageTooLargeInARunIsLeftOutForEveryReceiver() throws {
        var limits = BrokerLimits()
        limits.payloadOctets = 10
        let harness = try Harness(limits: limits)
        let clients = try Self.crowd(harness)
        let texts = ["1", "2", String(repeating: "x", count: 11), "3"]
        let outcomes = Self.published(try texts.map { try harness.message("t", $0) }, by: harness)
        #expect(outcomes[2] == .refused(.tooLarge))
        for client in clients { #expect(try client.received() == ["1", "2", "3"]) }
    }
}
