import Dispatch
import Messaging
import TestKit

/// A client of the broker that hears everything and can ask questions.
final class Subscriber: SessionOwner {
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    /// Not among the tasks of the tests, which may keep all threads of theirs busy.
    private let queue = DispatchQueue(label: "subscriber")
    private let received = Shared<[Message]>([])
    private let attachment = Shared<(any Attachment)?>(nil)

    init(broker: FakeBroker) throws {
        let credentials = Credentials(
            clientID: ClientID("subscriber"), peer: Peer(address: "127.0.0.1:1", isLoopback: true, listener: "test"))
        let options = SessionOptions(cleanStart: true, expiry: .zero)
        broker.connect(ConnectRequest(credentials: credentials, options: options), owner: self) { [attachment] result in
            if case .success(let connected) = result { attachment.change { $0 = connected.attachment } }
        }
        let filter = try TopicFilter("#")
        _ = attachment.read { $0 }?.subscribe([Subscription(filter: filter, qos: .atMostOnce)])
    }

    /// Waits for the next message on a topic under `lwm2m/` and takes it and what came before it on that topic.
    func next(_ topic: String) async throws -> Message {
        let taken = await received.wait(within: .patience) { messages in
            messages.first { $0.topic.string == "lwm2m/\(topic)" }
        }
        guard let taken else {
            let topics = received.read { $0.map(\.topic.string) }
            throw Missing(description: "nothing on \(topic); there is \(topics)")
        }
        received.change { messages in
            if let index = messages.firstIndex(where: { $0.isSame(as: taken) }) { messages.remove(at: index) }
        }
        return taken
    }

    func text(_ topic: String) async throws -> String {
        String(decoding: try await next(topic).payload, as: UTF8.self)
    }

    /// Messages on a topic that nobody has taken.
    func untaken(_ topic: String) -> [Message] {
        received.read { $0.filter { $0.topic.string == "lwm2m/\(topic)" } }
    }

    /// Publishes with a response topic and correlation data.
    func ask(_ topic: String, _ payload: String, responseTopic: String, correlationData: [UInt8]) throws {
        let properties = MessageProperties(
            responseTopic: try TopicName(responseTopic), correlationData: correlationData)
        let message = Message(
            topic: try TopicName("lwm2m/\(topic)"), payload: Array(payload.utf8), qos: .atLeastOnce,
            publishedAt: Timestamp(nanoseconds: 0), properties: properties)
        var outcomes: [PublishOutcome] = []
        attachment.read { $0 }?.publish([message], outcomes: &outcomes)
    }

    // MARK: SessionOwner

    func wake(_ client: UInt64) {
        queue.async { self.drain() }
    }

    func close(_ client: UInt64, _ reason: CloseReason) {}

    private func drain() {
        received.change { messages in
            var deliveries: [Delivery] = []
            while attachment.read({ $0 })?.take(64, into: &deliveries) == .more {}
            messages += deliveries.map(\.message)
        }
    }
}
