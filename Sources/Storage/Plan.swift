import Messaging

/// What the next transaction has to do: the changes of a batch, boiled down.
///
///     enqueue 7 ─┐                                  changes of the same thing: the last one counts
///     enqueue 8  ├─ dequeue 7 ──▶ only 8 is written
///
/// A delivery that is enqueued and over within one batch is never written, nor is a message without surviving deliveries.
/// When a transaction fails the plan stays, and later changes boil down with it.
struct Plan {
    struct Delivery {
        let session: SessionNumber
        /// Key in `queue`.
        let id: Int64
        /// Key in `message`.
        let message: Int64
        var record: QueuedRecord
    }

    struct NewMessage {
        let message: Message
        let expiresAt: Duration?
        /// Surviving deliveries.
        var receivers: Int
    }

    struct Progress: Equatable {
        var packetID: UInt16
        var released: Bool
    }

    /// Changes of one session's state; the last of each kind.
    struct SessionChanges {
        var isRemoved = false
        var record: SessionRecord?
        var subscriptions: [TopicFilter: Subscription?] = [:]
        var receiving: [UInt16: Bool] = [:]
        var topicIDs: [UInt16: (topic: TopicName, known: Bool)] = [:]
    }

    struct ItemName: Hashable {
        let area: String
        let key: String
    }

    struct Retained {
        let message: Message
        let expiresAt: Duration?
    }

    /// New deliveries in order; nil where one was over before it was written. Ids count up from `firstID`.
    private(set) var deliveries: ContiguousArray<Delivery?> = []
    private(set) var messages: ContiguousArray<NewMessage> = []
    private(set) var endedDeliveries: [Int64] = []
    private(set) var endedMessages: [Int64] = []
    private(set) var progress: [Int64: Progress] = [:]
    private(set) var sessions: [SessionNumber: SessionChanges] = [:]
    private(set) var retained: [TopicName: Retained?] = [:]
    private(set) var delayed: [UInt64: DelayedRecord?] = [:]
    private(set) var items: [ItemName: [UInt8]?] = [:]
    private(set) var totals: DropLedger?
    /// The transaction has to reach the disk before it counts.
    private(set) var needsSync = false

    private(set) var index = QueueIndex()
    /// Key of `deliveries[0]` and of `messages[0]`.
    private(set) var firstID: Int64 = 1
    private(set) var firstMessageID: Int64 = 1
    /// New deliveries that are not over yet.
    private(set) var survivingDeliveries = 0
    /// How far back a message is looked for that another delivery has brought. Its receivers come one behind the other; only
    /// groups of other threads get in between. One that is not found is written once more, which is no more than a waste.
    private static let lookedBack = 16

    /// Whether there is nothing to write.
    var isEmpty: Bool {
        survivingDeliveries == 0 && endedDeliveries.isEmpty && endedMessages.isEmpty && progress.isEmpty
            && sessions.isEmpty
            && retained.isEmpty && delayed.isEmpty && items.isEmpty && totals == nil
    }

    // MARK: Start

    /// Continues after the keys and with the rows a file has.
    mutating func resume(_ index: QueueIndex, afterDelivery delivery: Int64, afterMessage message: Int64) {
        self.index = index
        firstID = delivery + 1
        firstMessageID = message + 1
    }

    // MARK: Changes

    mutating func apply(_ change: StoreChange, base: Durability) {
        switch change {
        case .enqueue(let session, let record):
            enqueue(record, session)
            if record.durability == .disk { needsSync = true }
        case .dequeue(let session, let sequence): dequeue(sequence, session)
        case .progress(let session, let sequence, let packetID, let released):
            note(Progress(packetID: packetID, released: released), sequence, session)
            if released, base == .disk { needsSync = true }
        case .putTotals: applyState(change)
        default:
            applyState(change)
            if base == .disk { needsSync = true }
        }
    }

    private mutating func applyState(_ change: StoreChange) {
        switch change {
        case .enqueue, .dequeue, .progress: break
        case .putSession(let record): sessions[record.number, default: SessionChanges()].record = record
        case .removeSession(let number): remove(number)
        case .putSubscription(let number, let subscription):
            sessions[number, default: SessionChanges()].subscriptions[subscription.filter] = .some(subscription)
        case .removeSubscription(let number, let filter):
            sessions[number, default: SessionChanges()].subscriptions[filter] = .some(nil)
        case .putReceiving(let number, let packetID):
            sessions[number, default: SessionChanges()].receiving[packetID] = true
        case .removeReceiving(let number, let packetID):
            sessions[number, default: SessionChanges()].receiving[packetID] = false
        case .putTopicID(let number, let id, let topic, let known):
            sessions[number, default: SessionChanges()].topicIDs[id] = (topic, known)
        case .putRetained(let message, let expiresAt):
            retained[message.topic] = .some(Retained(message: message, expiresAt: expiresAt))
        case .removeRetained(let topic): retained[topic] = .some(nil)
        case .putDelayed(let record): delayed[record.id] = .some(record)
        case .removeDelayed(let id): delayed[id] = .some(nil)
        case .putItem(let area, let key, let value): items[ItemName(area: area, key: key)] = .some(value)
        case .putTotals(let totals): self.totals = totals
        }
    }

    private mutating func enqueue(_ record: QueuedRecord, _ session: SessionNumber) {
        let id = firstID + Int64(deliveries.count)
        let message = messageID(of: record)
        deliveries.append(Delivery(session: session, id: id, message: message, record: record))
        index.append(QueueIndex.Row(sequence: record.sequence, id: id, message: message), to: session)
        survivingDeliveries += 1
    }

    private mutating func messageID(of record: QueuedRecord) -> Int64 {
        for position in messages.indices.suffix(Self.lookedBack).reversed()
        where messages[position].message.isSame(as: record.message) {
            messages[position].receivers += 1
            return firstMessageID + Int64(position)
        }
        messages.append(NewMessage(message: record.message, expiresAt: record.expiresAt, receivers: 1))
        return firstMessageID + Int64(messages.count - 1)
    }

    private mutating func dequeue(_ sequence: UInt64, _ session: SessionNumber) {
        guard let row = index.remove(sequence, of: session) else { return }
        end(row)
    }

    private mutating func end(_ row: QueueIndex.Row) {
        if row.id >= firstID {
            deliveries[Int(row.id - firstID)] = nil
            messages[Int(row.message - firstMessageID)].receivers -= 1
            survivingDeliveries -= 1
            return
        }
        progress[row.id] = nil
        endedDeliveries.append(row.id)
        if index.removeReference(to: row.message) { endedMessages.append(row.message) }
    }

    private mutating func note(_ step: Progress, _ sequence: UInt64, _ session: SessionNumber) {
        guard let row = index.row(sequence, of: session) else { return }
        guard row.id >= firstID else {
            progress[row.id] = step
            return
        }
        deliveries[Int(row.id - firstID)]?.record.packetID = step.packetID
        deliveries[Int(row.id - firstID)]?.record.released = step.released
    }

    private mutating func remove(_ number: SessionNumber) {
        for row in index.removeAll(of: number) { end(row) }
        var changes = SessionChanges()
        changes.isRemoved = true
        sessions[number] = changes
    }

    // MARK: The end of a batch

    /// The transaction is committed: what it wrote is in the file now.
    mutating func finish() {
        for (position, message) in messages.enumerated() {
            index.setReferences(message.receivers, to: firstMessageID + Int64(position))
        }
        firstID += Int64(deliveries.count)
        firstMessageID += Int64(messages.count)
        deliveries.removeAll(keepingCapacity: true)
        messages.removeAll(keepingCapacity: true)
        endedDeliveries.removeAll(keepingCapacity: true)
        endedMessages.removeAll(keepingCapacity: true)
        progress.removeAll(keepingCapacity: true)
        sessions = [:]
        retained = [:]
        delayed = [:]
        items = [:]
        totals = nil
        survivingDeliveries = 0
        needsSync = false
    }
}
