import MQTTCodec
import NIOCore

/// Reads retained messages, each by subscribing to its topic and, when it has come, giving the subscription up again.
final class RetainedReader: ClientRole {
    /// Topics between two readings: far apart, so that neighbours in the broker's memory are no help.
    private static let stride = 7_919

    private let prefix: String
    private let qos: QoS
    private let count: Int
    private let window: Int
    private var topicNumber: Int
    private var identifier: UInt16 = 0
    /// Topics whose message has not come.
    private var expected: Set<Int> = []

    private(set) var read = 0
    private(set) var doubled = 0
    /// Readings it may still begin.
    var quota = 0

    init(count: Int, from first: Int, window: Int, settings: LoadSettings) {
        self.count = count
        self.window = min(window, count)
        topicNumber = first
        prefix = settings.prefix
        qos = settings.qos
    }

    var onTheWay: Int { expected.count }

    func begin(_ client: Client, quota: Int) {
        self.quota = quota
        for _ in 0..<window { subscribe(client) }
    }

    func received(_ delivery: Delivery, by client: Client) {
        guard let stamp = delivery.stamp, delivery.isRetained else { return }
        guard expected.remove(Int(stamp.stream)) != nil else {
            doubled += 1
            return
        }
        read += 1
        client.send(.unsubscribe(Unsubscribe(nextIdentifier(), filters: [topic(Int(stamp.stream))])))
        subscribe(client)
    }

    private func subscribe(_ client: Client) {
        guard quota > 0 else { return }
        quota -= 1
        topicNumber = (topicNumber + (count % Self.stride == 0 ? 1 : Self.stride)) % count
        guard expected.insert(topicNumber).inserted else { return }
        client.send(.subscribe(Subscribe(nextIdentifier(), filters: [.init(topic(topicNumber), qos: qos)])))
    }

    /// `{}` stands for the number of the topic.
    static func topic(_ prefix: String) -> String { "\(prefix)/r/{}" }

    private func topic(_ number: Int) -> String { "\(prefix)/r/\(PublishTemplate.digits(number))" }

    private func nextIdentifier() -> PacketIdentifier {
        identifier = identifier == .max ? 1 : identifier + 1
        return PacketIdentifier(identifier) ?? 1
    }
}
