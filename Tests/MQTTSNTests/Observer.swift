import BrokerCore
import Messaging
import Synchronization

/// A session of the core that sees what clients publish.
final class Observer: SessionOwner {
    private let attachment = Mutex<(any Attachment)?>(nil)

    func wake(_ client: UInt64) {}
    func close(_ client: UInt64, _ reason: CloseReason) {}

    func attach(to broker: CoreBroker, filter: String = "#") {
        let peer = Peer(address: "127.0.0.1:1", isLoopback: true, listener: "test")
        let request = ConnectRequest(
            credentials: Credentials(clientID: ClientID("~observer"), peer: peer),
            options: SessionOptions(cleanStart: true, expiry: .zero))
        broker.connect(request, owner: self) { result in
            guard case .success(let connected) = result, let filter = try? TopicFilter(filter) else { return }
            self.attachment.withLock { $0 = connected.attachment }
            _ = connected.attachment.subscribe([
                Subscription(filter: filter, qos: .exactlyOnce, retainAsPublished: true)
            ])
        }
    }

    func take() -> [Message] {
        guard let attachment = attachment.withLock({ $0 }) else { return [] }
        var deliveries: [Delivery] = []
        _ = attachment.take(100_000, into: &deliveries)
        for delivery in deliveries {
            switch delivery.qos {
            case .atMostOnce: break
            case .atLeastOnce: _ = attachment.settle(packetID: delivery.packetID, .acknowledged)
            case .exactlyOnce:
                _ = attachment.settle(packetID: delivery.packetID, .received)
                _ = attachment.settle(packetID: delivery.packetID, .completed)
            }
        }
        return deliveries.map(\.message)
    }
}
