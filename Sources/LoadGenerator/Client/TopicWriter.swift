import MQTTCodec

/// Publishes one message to each of its topics, a window at a time.
///
/// At QoS 0, where nothing is acknowledged, the answer to a PINGREQ behind the window says that the broker has read it.
final class TopicWriter: ClientRole {
    private let topics: Range<Int>
    private let window: Int
    private let qos: QoS
    private let number: UInt64
    private var template: PublishTemplate
    private var next: Int
    /// Answers that are still to come for this window.
    private var open = 0

    /// - Parameters:
    ///   - topic: holds `{}` for the number of the topic, which is also the stream its messages belong to.
    ///   - number: of the messages in their streams.
    ///   - isEmpty: without payload; as retained messages they clear the topics.
    init(
        _ topics: Range<Int>, of topic: String, number: UInt64 = 0, window: Int, isRetained: Bool = false,
        isEmpty: Bool = false, settings: LoadSettings
    ) {
        self.topics = topics
        self.number = number
        self.window = window
        qos = settings.qos
        next = topics.lowerBound
        template = PublishTemplate(
            topic: topic, qos: qos, payloadOctets: isEmpty ? nil : settings.payloadOctets, isRetained: isRetained,
            version: settings.version)
    }

    /// Shares `count` topics from `first` on.
    static func share(
        _ count: Int, from first: Int = 0, among writers: Int, _ make: (Range<Int>) -> TopicWriter
    ) -> [TopicWriter] {
        (0..<writers).map { make((first + count * $0 / writers)..<(first + count * ($0 + 1) / writers)) }
    }

    var written: Int { next - topics.lowerBound }
    var isDone: Bool { next == topics.upperBound && open == 0 }

    func begin(_ client: Client) { writeWindow(client) }

    func published(_ identifier: UInt16, by client: Client) { answered(client) }

    func received(_ packet: Packet, by client: Client) {
        if packet == .pingresp { answered(client) }
    }

    private func answered(_ client: Client) {
        open -= 1
        if open == 0 { writeWindow(client) }
    }

    private func writeWindow(_ client: Client) {
        let end = min(next + window, topics.upperBound)
        guard next < end else { return }
        open = qos == .atMostOnce ? 1 : end - next
        for topic in next..<end {
            let stamp = Stamp(publisher: 0, stream: UInt32(topic), number: number, ordinal: number)
            template.set(stamp, identifier: UInt16(topic - next + 1), topicNumber: topic)
            client.send(template.octets)
        }
        next = end
        if qos == .atMostOnce { client.send(.pingreq) }
    }
}
