import Messaging

/// Writes one durable session's changes to the store. A session without recorder keeps nothing beyond the process.
struct Recorder {
    let number: SessionNumber
    private let target: Target
    /// Point of the last change that an answer to the client may depend on.
    private(set) var last = CommitPoint.none

    /// Where all sessions are written: one object, as many hold it.
    final class Target: Sendable {
        let store: any Store
        let clock: any GatewayClock

        init(store: any Store, clock: any GatewayClock) {
            self.store = store
            self.clock = clock
        }
    }

    init(number: SessionNumber, target: Target) {
        self.number = number
        self.target = target
    }

    private var store: any Store { target.store }
    private var clock: any GatewayClock { target.clock }

    func isCommitted(_ point: CommitPoint) -> Bool { point == .none || store.committed >= point }

    @discardableResult
    mutating func append(_ change: StoreChange) -> CommitPoint {
        last = store.append(change)
        return last
    }

    mutating func enqueue(_ entry: Mailbox.Entry, _ durability: Durability) -> CommitPoint {
        append(
            .enqueue(
                number,
                QueuedRecord(
                    sequence: entry.sequence, message: entry.message,
                    expiresAt: clock.wallClock(at: entry.message.expiresAt),
                    waitsUntil: entry.expiresAt < entry.message.expiresAt ? clock.wallClock(at: entry.expiresAt) : nil,
                    qos: entry.qos, retain: entry.retain,
                    subscriptionIDs: entry.subscriptionIDs, durability: durability)))
    }

    /// The delivery was sent. Nothing waits for this: after a crash it is sent again under the same identifier.
    func sent(_ sequence: UInt64, packetID: UInt16) {
        _ = store.append(.progress(number, sequence: sequence, packetID: packetID, released: false))
    }

    /// The receiver has the message. Its release waits for this: a receiver that was told to forget the identifier
    /// would take a repetition for a new message (MQTT-4.3.3-4).
    mutating func released(_ sequence: UInt64, packetID: UInt16) -> CommitPoint {
        append(.progress(number, sequence: sequence, packetID: packetID, released: true))
    }

    /// The delivery is over. Nothing waits for this either.
    func dequeue(_ sequence: UInt64) { _ = store.append(.dequeue(number, sequence: sequence)) }

    /// A delivery that the store kept.
    func entry(_ record: QueuedRecord) -> Mailbox.Entry {
        let message = record.message.expiring(at: clock.timestamp(atWallClock: record.expiresAt))
        return Mailbox.Entry(
            message: message, sequence: record.sequence, qos: record.qos, retain: record.retain, isStored: true,
            subscriptionIDs: record.subscriptionIDs,
            expiresAt: min(message.expiresAt, clock.timestamp(atWallClock: record.waitsUntil)))
    }
}

/// Times of the process that wrote a store mean nothing in another.
enum StoreClock {
    /// When a message was published that the store kept.
    static let unknown = Timestamp(nanoseconds: 0)
}

extension Message {
    /// The same message with its expiry on this process's clock.
    func expiring(at expiresAt: Timestamp) -> Message {
        guard expiresAt != self.expiresAt || publishedAt != StoreClock.unknown else { return self }
        return Message(
            topic: topic, payload: payload, qos: qos, retain: retain, publishedAt: StoreClock.unknown,
            expiresAt: expiresAt,
            publisher: publisher, properties: properties)
    }
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
