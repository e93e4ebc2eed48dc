import Logging
import Messaging

/// Turns what the gateway has to say about devices into messages.
struct Publisher: Sendable {
    let broker: any Broker
    let statistics: LwM2MStatistics
    let logger: Logger

    private static let json = MessageProperties(payloadFormat: .utf8, contentType: "application/json")

    /// A message of ours; nil payload clears a retained one. nil when the topic would be none (too long).
    func message(_ topic: String, _ payload: JSON?, retain: Bool, publisher: ClientID? = nil) -> Message? {
        guard let topic = try? TopicName(topic) else {
            statistics.publishesRefused.add()
            return nil
        }
        return Message(
            topic: topic, payload: payload?.encoded ?? [], qos: .atLeastOnce, retain: retain,
            publishedAt: broker.clock.now(), publisher: publisher, properties: Self.json)
    }

    /// Publishes in the gateway's own name: status, events, reports.
    func publish(_ topic: String, _ payload: JSON, retain: Bool = false) {
        guard let message = message(topic, payload, retain: retain) else { return }
        var outcomes: [PublishOutcome] = []
        broker.publish([message], as: .gateway, via: TrafficReading.ownListener, outcomes: &outcomes)
        count(outcomes, topic: topic)
    }

    /// Publishes in a device's name, with the device's rights: its values, and answers to topics a requester has chosen.
    func publish(_ messages: [Message], from attachment: any Attachment) {
        guard let first = messages.first else { return }
        var outcomes: [PublishOutcome] = []
        attachment.publish(messages, outcomes: &outcomes)
        count(outcomes, topic: first.topic.string)
    }

    func reply(_ report: Report, to request: Message, from attachment: any Attachment) {
        guard let properties = request.properties, let topic = properties.responseTopic else { return }
        let reply = MessageProperties(
            payloadFormat: .utf8, contentType: "application/json", correlationData: properties.correlationData)
        let message = Message(
            topic: topic, payload: report.json.encoded, qos: .atLeastOnce, publishedAt: broker.clock.now(),
            publisher: attachment.clientID, properties: reply)
        publish([message], from: attachment)
    }

    private func count(_ outcomes: [PublishOutcome], topic: String) {
        for case .refused(let refusal) in outcomes {
            statistics.publishesRefused.add()
            logger.debug("the broker refused a message", [.path: topic, .reason: "\(refusal)"])
        }
    }
}
