import DequeModule
import MQTTCodec
import Messaging

/// Answers that wait for what they promise to be stored. They leave in the order their questions came (MQTT-4.6.0-2,
/// MQTT-4.6.0-3); bounded because the connection is not read while `count` is at the receive maximum.
struct ReplyQueue {
    private var waiting: Deque<(reply: Reply, point: CommitPoint)> = []

    var count: Int { waiting.count }
    var isEmpty: Bool { waiting.isEmpty }
    /// Point the oldest answer waits for.
    var nextPoint: CommitPoint? { waiting.first?.point }

    mutating func append(_ reply: Reply, after point: CommitPoint) {
        waiting.append((reply, point))
    }

    mutating func popFirst() -> Reply? {
        let reply = waiting.popFirst()?.reply
        // An idle connection keeps no storage.
        if waiting.isEmpty { waiting = [] }
        return reply
    }
}
