import MQTTCodec
import Messaging

/// What a client published in one read: handed to the broker at once, answered afterwards in order.
struct PublishBatch {
    enum Entry {
        /// The next message of `messages`, and what to answer it by; nil at QoS 0.
        case message(Messaging.QoS, PacketIdentifier?)
        /// An exactly-once message the session has already: only to be confirmed again.
        case repetition(PacketIdentifier)
        /// The answer to another packet, in its place among theirs.
        case answer(Packet, after: CommitPoint)
    }

    private(set) var messages: [Message] = []
    private(set) var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }

    mutating func append(_ message: Message, _ identifier: PacketIdentifier?) {
        messages.append(message)
        entries.append(.message(message.qos, identifier))
    }

    mutating func append(repetition identifier: PacketIdentifier) {
        entries.append(.repetition(identifier))
    }

    mutating func append(answer: Packet, after point: CommitPoint) {
        entries.append(.answer(answer, after: point))
    }

    mutating func removeAll() {
        messages.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
    }
}
