package import Messaging
import Synchronization

/// The Store port without a disk: keeps records for as long as the object lives. It defines what a store must do, and lets
/// a test end one broker and begin another on the same store.
package final class MemoryStore: Store {
    fileprivate struct State {
        var sessions: [SessionNumber: StoredSession] = [:]
        var retained: [TopicName: (message: Message, expiresAt: Duration?)] = [:]
        var delayed: [UInt64: DelayedRecord] = [:]
        var items: [String: [String: [UInt8]]] = [:]
        var totals = DropLedger()
        var appended: UInt64 = 0
        var handler: (@Sendable (CommitPoint) -> Void)?
    }

    private let state = Mutex(State())
    private let fullDeliveries: Int

    /// - Parameter fullDeliveries: deliveries of one session that `load` tells in full.
    package init(fullDeliveries: Int = .max) { self.fullDeliveries = fullDeliveries }

    package func append(_ change: StoreChange) -> CommitPoint {
        state.withLock { state in
            state.apply(change)
            state.appended += 1
            return CommitPoint(sequence: state.appended)
        }
    }

    /// Nothing is ever written half.
    package func beginGroup() {}
    package func endGroup() {}

    package var isFailing: Bool { false }

    /// What is in memory is as safe as it will ever be.
    package var committed: CommitPoint { state.withLock { CommitPoint(sequence: $0.appended) } }

    package func onCommit(_ handler: @escaping @Sendable (CommitPoint) -> Void) {
        state.withLock { $0.handler = handler }
    }

    /// There is no file to be damaged.
    package func onLoss(_ handler: @escaping @Sendable () -> Void) {}

    package func load() throws(StoreError) -> StoredState {
        state.withLock { state in
            var loaded = StoredState()
            loaded.sessions = state.sessions.values.sorted { $0.record.number.value < $1.record.number.value }
                .map { $0.shortened(to: fullDeliveries) }
            loaded.retained = Array(state.retained.values)
            loaded.delayed = state.delayed.values.sorted { $0.id < $1.id }
            for (area, items) in state.items {
                loaded.items += items.map { (area, KeptItem(key: $0.key, value: $0.value)) }
            }
            loaded.totals = state.totals
            return loaded
        }
    }
}

extension MemoryStore {
    package func read(_ request: PageRequest, completion: @escaping @Sendable (QueuePage) -> Void) {
        let records = state.withLock { state in
            state.sessions[request.session]?.queue.filter { request.sequences.contains($0.sequence) } ?? []
        }
        completion(QueuePage(records: records, through: request.sequences.upperBound))
    }
}

extension StoredSession {
    /// The same with only the beginning of its queue in full.
    fileprivate func shortened(to count: Int) -> StoredSession {
        var session = self
        let rest = queue.filter { $0.packetID == 0 }.dropFirst(count)
        guard let first = rest.first else { return self }
        session.queue.removeAll { $0.packetID == 0 && $0.sequence >= first.sequence }
        session.rest = ContiguousArray(
            rest.map { PagedDelivery(sequence: $0.sequence, octets: $0.message.octets, topic: $0.message.topicDigest) }
        )
        return session
    }
}

extension MemoryStore.State {
    fileprivate mutating func apply(_ change: StoreChange) {
        switch change {
        case .putSession(let record):
            var session = sessions[record.number] ?? StoredSession(record: record)
            session.record = record
            sessions[record.number] = session
        case .removeSession(let number): sessions[number] = nil
        case .putSubscription(let number, let subscription):
            sessions[number]?.subscriptions.removeAll { $0.filter == subscription.filter }
            sessions[number]?.subscriptions.append(subscription)
        case .removeSubscription(let number, let filter):
            sessions[number]?.subscriptions.removeAll { $0.filter == filter }
        case .enqueue(let number, let record): sessions[number]?.queue.append(record)
        case .progress(let number, let sequence, let packetID, let released):
            guard let index = sessions[number]?.queue.firstIndex(where: { $0.sequence == sequence }) else { return }
            sessions[number]?.queue[index].packetID = packetID
            sessions[number]?.queue[index].released = released
        case .dequeue(let number, let sequence): sessions[number]?.queue.removeAll { $0.sequence == sequence }
        case .putReceiving(let number, let packetID): sessions[number]?.receiving.append(packetID)
        case .removeReceiving(let number, let packetID): sessions[number]?.receiving.removeAll { $0 == packetID }
        case .putTopicID(let number, let id, let topic, let known):
            sessions[number]?.topicIDs.removeAll { $0.id == id }
            sessions[number]?.topicIDs.append((id, topic, known))
        case .putRetained(let message, let expiresAt): retained[message.topic] = (message, expiresAt)
        case .removeRetained(let topic): retained[topic] = nil
        case .putDelayed(let record): delayed[record.id] = record
        case .removeDelayed(let id): delayed[id] = nil
        case .putItem(let area, let key, let value): items[area, default: [:]][key] = value
        case .putTotals(let totals): self.totals = totals
        }
    }
}
