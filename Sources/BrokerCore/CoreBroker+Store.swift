package import Messaging
import Synchronization

extension CoreBroker {
    package func isCommitted(_ point: CommitPoint) -> Bool {
        point == .none || store.map { $0.committed >= point } ?? true
    }

    func wakeWhenCommitted(_ point: CommitPoint, _ attachment: SessionAttachment) -> Bool {
        guard !isCommitted(point) else { return true }
        awaitingCommit.withLock { $0.append((point, attachment)) }
        // The commit may have passed between the question and the note.
        guard isCommitted(point) else { return false }
        awaitingCommit.withLock { waiting in waiting.removeAll { $0.attachment === attachment && $0.point == point } }
        return true
    }

    func committed(_ point: CommitPoint) {
        let attachments = awaitingCommit.withLock { waiting in
            let ready = waiting.filter { $0.point <= point }
            waiting.removeAll { $0.point <= point }
            return ready.map(\.attachment)
        }
        for attachment in attachments { attachment.wake() }
        perform(takeCommitted(point))
    }

    package func whenCommitted(_ point: CommitPoint, _ action: @escaping @Sendable () -> Void) {
        guard !isCommitted(point), let store else { return action() }
        commitActions.withLock { $0.append((point, action)) }
        // The commit may have passed between the question and the note.
        perform(takeCommitted(store.committed))
    }

    private func takeCommitted(_ point: CommitPoint) -> [@Sendable () -> Void] {
        commitActions.withLock { waiting in
            guard waiting.contains(where: { $0.point <= point }) else { return [] }
            let ready = waiting.filter { $0.point <= point }
            waiting.removeAll { $0.point <= point }
            return ready.map(\.action)
        }
    }

    private func perform(_ actions: [@Sendable () -> Void]) {
        for action in actions { action() }
    }

    @discardableResult
    package func keep(_ value: [UInt8]?, as key: String, in area: KeptArea) -> CommitPoint {
        store?.append(.putItem(area: area.rawValue, key: key, value: value)) ?? .none
    }

    package func takeKept(in area: KeptArea) -> [KeptItem] {
        kept.withLock { $0.removeValue(forKey: area.rawValue) } ?? []
    }

    /// Rebuilds sessions, subscriptions and retained messages from what the store kept. Sessions are detached; those whose
    /// time ran out while the gateway was down end at the first tick.
    func restore(_ state: StoredState) {
        for (message, expiresAt) in state.retained where durability.level(of: message) != .memory {
            let restored = message.expiring(at: clock.timestamp(atWallClock: expiresAt))
            _ = retained.withLock { $0.set(restored, limit: .max) }
            deadlines.withLock { $0.insert(.retained(restored.topic), at: restored.expiresAt) }
        }
        sessions.withLock { $0.departed = state.totals.settled }
        for stored in state.sessions { restore(stored) }
        for record in state.delayed { restore(record) }
        kept.withLock { kept in
            for (area, item) in state.items { kept[area, default: []].append(item) }
        }
    }

    /// Lets the store read a page of a queue.
    func read(_ request: PageRequest, of session: Session) {
        store?.read(request) { [weak session] page in
            guard let session else { return }
            let wake: SessionAttachment? = session.state.withLock { state in
                guard !state.hasEnded else { return nil }
                state.mailbox.takeIn(page)
                return state.ownerToWake()
            }
            wake?.wake()
        }
    }

    /// Keeps the totals, so that counting goes on after a restart.
    func recordTotals() {
        guard let store else { return }
        _ = store.append(.putTotals(statistics().ledger.settled))
    }

    private func restore(_ stored: StoredSession) {
        guard let recording else { return }
        let record = stored.record
        var state = SessionState(principal: record.principal)
        state.expiry = record.expiry
        // Connected when the process ended: the time away begins now.
        state.expiresAt =
            record.expiresAt.map { clock.timestamp(atWallClock: $0) }
            ?? record.expiry.map { clock.now() + $0 } ?? .never
        state.will = record.will
        state.willDueAt = clock.timestamp(atWallClock: record.willDueAt)
        if let silentAt = record.silentAt { state.sleeps(until: clock.timestamp(atWallClock: silentAt)) }
        state.queuesQoS0WhileDetached = record.queuesQoS0WhileDetached
        state.restoreReceiving(stored.receiving)
        state.topicIDs.restore(stored.topicIDs)
        state.mailbox.restore(stored, with: Recorder(number: record.number, target: recording))
        let due = (state.expiresAt, state.willDueAt, state.silentAt)
        let session = Session(
            clientID: record.clientID, subscriber: routing.write { $0.reserve() }, number: record.number, state: state)
        sessions.withLock { table in
            table.skip(past: record.number)
            routing.write { routing in
                routing.place(session)
                for subscription in stored.subscriptions {
                    restore(subscription, of: session, as: record.principal, in: &routing)
                }
            }
            session.isDurable.store(true, ordering: .relaxed)
            table[record.clientID] = session
            deadlines.withLock { queue in
                queue.insert(.session(session), at: due.0)
                queue.insert(.will(session), at: due.1)
                queue.insert(.sleeper(session), at: due.2)
            }
        }
    }
}

extension CoreBroker {
    /// Rights may have changed while the gateway was down.
    private func restore(
        _ subscription: Subscription, of session: Session, as principal: Principal, in routing: inout Routing
    ) {
        let access = access(to: subscription.filter, by: principal)
        guard access != .refused else {
            _ = store?.append(.removeSubscription(session.number, subscription.filter))
            return
        }
        _ = routing.index.insert(subscription, for: session.subscriber, isPartial: access == .partial)
    }
}
