import Messaging
import NIOCore

/// Recognises a PUBLISH that arrives again: at QoS 1 because its PUBACK was lost, at QoS 2 because the network brings it once
/// more after its exchange is over.
///
/// MQTT-SN 5.4.12 has the DUP flag for that, but many clients repeat without setting it. A message is a repetition when
/// MsgId, topic and payload agree with one accepted within the window and either DUP is set or no other MsgId has come
/// since. A client that counts MsgIds badly therefore loses nothing but equal messages sent in a row. MsgId 0 is never
/// recognised: it means "none".
///
/// At QoS 2 neither the flag nor the order matters: what agrees was published before.
struct DuplicateWindow: Sendable {
    static let capacity = 16
    static let lifetime = Duration.seconds(60)

    private struct Entry {
        var messageID: UInt16
        var digest: Int
        var acceptedAt: Timestamp
    }

    /// Oldest first; empty, and without allocation, for clients that publish at QoS 0 only.
    private var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }

    func recognisesAnything(now: Timestamp) -> Bool {
        entries.last.map { now < $0.acceptedAt + Self.lifetime } ?? false
    }

    func contains(_ publish: Packet.Publish, now: Timestamp) -> Bool {
        guard publish.messageID != 0, let index = entries.lastIndex(where: { $0.messageID == publish.messageID }) else {
            return false
        }
        let entry = entries[index]
        guard publish.qos == .exactlyOnce || publish.isDuplicate || index == entries.count - 1 else { return false }
        return entry.digest == Self.digest(publish) && now < entry.acceptedAt + Self.lifetime
    }

    mutating func insert(_ publish: Packet.Publish, now: Timestamp) {
        entries.removeAll { $0.messageID == publish.messageID }
        if entries.count == Self.capacity { entries.removeFirst() }
        entries.append(Entry(messageID: publish.messageID, digest: Self.digest(publish), acceptedAt: now))
    }

    private static func digest(_ publish: Packet.Publish) -> Int {
        var hasher = Hasher()
        hasher.combine(publish.topicID)
        hasher.combine(publish.topicName)
        publish.payload.withUnsafeReadableBytes { hasher.combine(bytes: $0) }
        return hasher.finalize()
    }
}
