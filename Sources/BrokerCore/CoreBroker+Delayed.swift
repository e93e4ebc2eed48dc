import Messaging
import Synchronization

/// `$delayed/{seconds}/{topic}`.
extension CoreBroker {
    /// Decides on a message under a name that starts with `$`: those that are the gateway's own, and those to be delayed.
    /// - Returns: nil when it goes on like any other.
    func admitReserved(_ message: Message, _ principal: Principal) -> PublishOutcome? {
        // MQTT 5.0, 4.7.2: clients should not use $ topics for their own ends; $SYS is only ours to write.
        guard principal.kind == .gateway || !message.topic.string.utf8.starts(with: "$SYS/".utf8) else {
            return .refused(.topicNotAllowed)
        }
        guard let limits = features.delayed else { return nil }
        do throws(DelayedTopic.Problem) {
            guard let delayed = try DelayedTopic(message.topic, now: clock.wallClock()) else { return nil }
            return hold(message, delayed, principal, limits)
        } catch {
            return .refused(.topicNotAllowed)
        }
    }

    /// Its right is checked now, so that the publisher hears, and when it is due, as it may have changed.
    private func hold(
        _ message: Message, _ delayed: DelayedTopic, _ principal: Principal, _ limits: DelayedLimits
    ) -> PublishOutcome {
        let rewritten = features.rewriter?.rewritten(delayed.topic, for: principal) ?? delayed.topic
        if principal.kind != .gateway {
            guard !rewritten.string.utf8.starts(with: "$SYS/".utf8) else { return .refused(.topicNotAllowed) }
            guard authorizer.allows(.publish(rewritten), by: principal) else { return .refused(.notAuthorized) }
        }
        let isStored = message.qos != .atMostOnce && durability.level(of: rewritten) != .memory
        guard !isStored || store?.isFailing != true else { return .refused(.quotaExceeded) }
        let dueAt = clock.now() + delayed.delay
        let entry = DelayedMessages.Waiting(
            message: message.renamed(rewritten), principal: principal, dueAt: dueAt, isStored: isStored)
        guard let id = self.delayed.withLock({ $0.insert(entry, limits: limits) }) else {
            return .refused(.quotaExceeded)
        }
        let commit = isStored ? store?.append(.putDelayed(record(entry, id))) : nil
        deadlines.withLock { $0.insert(.delayed(id), at: dueAt) }
        // It has a receiver: whoever is subscribed when its time comes. "No matching subscribers" would be wrong.
        return .accepted(receivers: 1, commit: commit ?? .none)
    }

    func record(_ entry: DelayedMessages.Waiting, _ id: DelayedMessages.ID) -> DelayedRecord {
        DelayedRecord(
            id: id, message: entry.message, expiresAt: clock.wallClock(at: entry.message.expiresAt),
            dueAt: clock.wallClock() + entry.dueAt.since(clock.now()), principal: entry.principal)
    }

    /// Goes on waiting for the time of a message that the store kept. One whose time has passed is due at the first tick.
    func restore(_ record: DelayedRecord) {
        let dueAt = clock.timestamp(atWallClock: record.dueAt)
        let message = record.message.expiring(at: clock.timestamp(atWallClock: record.expiresAt))
        delayed.withLock {
            $0.restore(
                DelayedMessages.Waiting(message: message, principal: record.principal, dueAt: dueAt, isStored: true),
                record.id)
        }
        deadlines.withLock { $0.insert(.delayed(record.id), at: dueAt) }
    }

    /// Publishes a message whose time has come; one that has expired meanwhile is dropped by its receivers' mailboxes.
    func publishDelayed(_ id: DelayedMessages.ID) {
        guard let due = delayed.withLock({ $0.remove(id) }) else { return }
        var outcomes: [PublishOutcome] = []
        together {
            if due.isStored { _ = store?.append(.removeDelayed(id)) }
            var batch = MessageBatch([due.message])
            routeInGroup(&batch, as: due.principal, publisher: nil, isRewritten: true, outcomes: &outcomes)
        }
    }
}

extension Message {
    /// The same message under another name.
    func renamed(_ topic: TopicName) -> Message {
        Message(
            topic: topic, payload: payload, qos: qos, retain: retain, publishedAt: publishedAt, expiresAt: expiresAt,
            publisher: publisher, properties: properties)
    }
}
