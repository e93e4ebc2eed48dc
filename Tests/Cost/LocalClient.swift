import Messaging
import Synchronization

/// A client on this machine's loopback without a connection: takes and acknowledges what there is when it is told to.
final class LocalClient {
    struct NotLetIn: Error {}

    private let attachment: any Attachment
    /// Kept, as a connection keeps it.
    private var batch = MessageBatch()
    private var outcomes: [SubscriptionOutcome] = []

    init(_ name: String, _ broker: any Broker) throws {
        let credentials = Credentials(
            clientID: ClientID(name), peer: Peer(address: "127.0.0.1:1", isLoopback: true, listener: "cost"))
        let options = SessionOptions(cleanStart: true, expiry: .zero)
        let answer = Mutex<(any Attachment)?>(nil)
        broker.connect(ConnectRequest(credentials: credentials, options: options), owner: SilentOwner()) { result in
            answer.withLock { $0 = try? result.get().attachment }
        }
        guard let attachment = answer.withLock({ $0 }) else { throw NotLetIn() }
        self.attachment = attachment
    }

    func subscribe(_ filter: String, _ qos: QoS) throws {
        change(.subscribe(Subscription(filter: try TopicFilter(filter), qos: qos)))
    }

    func unsubscribe(_ filter: String) throws { change(.unsubscribe(try TopicFilter(filter))) }

    private func change(_ change: SubscriptionChange) {
        _ = attachment.change([change], outcomes: &outcomes)
        _ = outcomes.popLast()
    }

    func publish(_ message: Message) { publish([message]) }

    func publish(_ messages: [Message]) {
        var outcomes: [PublishOutcome] = []
        for message in messages { batch.append(message) }
        attachment.publish(&batch, outcomes: &outcomes)
    }

    func take(expecting count: Int) {
        var deliveries: [Delivery] = []
        _ = attachment.take(256, into: &deliveries)
        precondition(deliveries.count == count, "a scenario knows what it delivers")
        for delivery in deliveries where delivery.packetID != 0 {
            _ = attachment.settle(packetID: delivery.packetID, .acknowledged)
        }
    }
}

/// Is asked by nobody: a scenario knows when there is something to take.
private final class SilentOwner: SessionOwner {
    func wake(_ client: UInt64) {}
    func close(_ client: UInt64, _ reason: CloseReason) {}
}
