import Messaging

/// Writes one durable session's changes to the store. A session without recorder keeps nothing beyond the process.
final class Recorder: Sendable {
    let number: SessionNumber
    private let store: any Store
    private let clock: any GatewayClock

    init(number: SessionNumber, store: any Store, clock: any GatewayClock) {
        self.number = number
        self.store = store
        self.clock = clock
    }

    @discardableResult
    func append(_ change: StoreChange) -> CommitPoint { store.append(change) }

    func enqueue(_ entry: Mailbox.Entry) -> CommitPoint {
        append(
            .enqueue(
                number,
                QueuedRecord(
                    sequence: entry.sequence, message: entry.message,
                    expiresAt: clock.wallClock(at: entry.message.expiresAt), qos: entry.qos, retain: entry.retain,
                    subscriptionIDs: entry.subscriptionIDs)))
    }

    func progress(_ entry: Mailbox.Entry, packetID: UInt16, released: Bool) {
        append(.progress(number, sequence: entry.sequence, packetID: packetID, released: released))
    }

    func dequeue(_ entry: Mailbox.Entry) { append(.dequeue(number, sequence: entry.sequence)) }
}

extension GatewayClock {
    /// The wall-clock time of a point on the monotonic clock; nil for `never`.
    func wallClock(at point: Timestamp) -> Duration? {
        point == .never ? nil : wallClock() + point.since(now())
    }

    /// The point on the monotonic clock of a wall-clock time; `never` for nil.
    func timestamp(atWallClock time: Duration?) -> Timestamp {
        time.map { now() + ($0 - wallClock()) } ?? .never
    }
}
