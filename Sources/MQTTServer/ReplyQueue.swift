import DequeModule
import MQTTCodec
import Messaging

/// Answers that wait for what they promise to be stored. They leave in the order their questions came (MQTT-4.6.0-2,
/// MQTT-4.6.0-3); bounded because the connection is not read while `count` is at the receive maximum.
struct ReplyQueue {
    private var waiting: Deque<(packet: Packet, point: CommitPoint)> = []

    var count: Int { waiting.count }
    var isEmpty: Bool { waiting.isEmpty }
    /// Point the oldest answer waits for.
    var nextPoint: CommitPoint? { waiting.first?.point }

    mutating func append(_ packet: Packet, after point: CommitPoint) {
        waiting.append((packet, point))
    }

    mutating func popFirst() -> Packet? {
        let packet = waiting.popFirst()?.packet
        // An idle connection keeps no storage.
        if waiting.isEmpty { waiting = [] }
        return packet
    }
}
