import MQTTCodec
import Messaging

/// What a client published in one read: handed to the broker at once, answered afterwards in order.
struct PublishBatch: ~Copyable {
    /// What is to be answered. QoS 0 has none, so most batches have none either.
    enum Answer {
        /// The message at that place of `messages`.
        case message(Int, Messaging.QoS, PacketIdentifier)
        /// An exactly-once message the session has already: only to be confirmed again.
        case repetition(PacketIdentifier)
        /// The answer to another packet, in its place among theirs.
        case reply(Reply, after: CommitPoint)
    }

    /// Handed to the broker, which takes them out.
    var messages = MessageBatch()
    private(set) var answers: [Answer] = []

    var isEmpty: Bool { messages.isEmpty && answers.isEmpty }

    mutating func append(_ message: consuming Message, _ identifier: PacketIdentifier?) {
        if let identifier { answers.append(.message(messages.count, message.qos, identifier)) }
        messages.append(message)
    }

    mutating func append(repetition identifier: PacketIdentifier) {
        answers.append(.repetition(identifier))
    }

    mutating func append(_ reply: Reply, after point: CommitPoint) {
        answers.append(.reply(reply, after: point))
    }

    mutating func removeAll() {
        while !messages.isEmpty { _ = messages.takeFirst() }
        answers.empty()
    }
}
