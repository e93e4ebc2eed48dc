import MQTTCodec
import Messaging

/// What a client published in one read: handed to the broker at once, answered afterwards in order.
struct PublishBatch {
    /// What is to be answered. QoS 0 has none, so most batches have none either.
    enum Answer {
        /// The message at that place of `messages`.
        case message(Int, Messaging.QoS, PacketIdentifier)
        /// An exactly-once message the session has already: only to be confirmed again.
        case repetition(PacketIdentifier)
        /// An acknowledgement that says no more than its identifier, in its place among the others.
        case plain(PacketType, PacketIdentifier, after: CommitPoint)
        /// The answer to another packet, in its place among theirs. Rare and large, so that it stands elsewhere.
        indirect case packet(Packet, after: CommitPoint)
    }

    private(set) var messages: [Message] = []
    private(set) var answers: [Answer] = []

    var isEmpty: Bool { messages.isEmpty && answers.isEmpty }

    mutating func append(_ message: consuming Message, _ identifier: PacketIdentifier?) {
        if let identifier { answers.append(.message(messages.count, message.qos, identifier)) }
        messages.append(message)
    }

    mutating func append(repetition identifier: PacketIdentifier) {
        answers.append(.repetition(identifier))
    }

    mutating func append(plain type: PacketType, _ identifier: PacketIdentifier, after point: CommitPoint) {
        answers.append(.plain(type, identifier, after: point))
    }

    mutating func append(answer: Packet, after point: CommitPoint) {
        answers.append(.packet(answer, after: point))
    }

    mutating func removeAll() {
        messages.removeAll(keepingCapacity: true)
        answers.removeAll(keepingCapacity: true)
    }
}
