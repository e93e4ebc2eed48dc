import MQTTCodec

/// Publishes one retained message to each of its topics, a window at a time.
///
/// At QoS 0, where nothing is acknowledged, the answer to a PINGREQ behind the window says that the broker has read it.
final class RetainedWriter: ClientRole {
    private let topics: Range<Int>
    private let window: Int
    private let qos: QoS
    private var template: PublishTemplate
    private var next: Int
    /// Answers that are still to come for this window.
    private var open = 0

    /// - Parameter isEmpty: messages without payload, which clear the topics.
    init(topics: Range<Int>, window: Int, isEmpty: Bool, settings: LoadSettings) {
        self.topics = topics
        self.window = window
        qos = settings.qos
        next = topics.lowerBound
        template = PublishTemplate(
            topic: RetainedWriter.topic(settings.prefix), qos: qos,
            payloadOctets: isEmpty ? nil : settings.payloadOctets,
            isRetained: true, version: settings.version)
    }

    static func topic(_ prefix: String) -> String { "\(prefix)/r/{}" }

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
        for number in next..<end {
            let stamp = Stamp(publisher: 0, stream: 0, number: UInt64(number), ordinal: UInt64(number))
            template.set(stamp, identifier: UInt16(number - next + 1), topicNumber: number)
            client.send(template.octets)
        }
        next = end
        if qos == .atMostOnce { client.send(.pingreq) }
    }
}
