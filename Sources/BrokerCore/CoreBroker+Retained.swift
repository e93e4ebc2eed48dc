package import Messaging
import Synchronization

extension CoreBroker {
    /// Keeps or clears a topic's last value, which belongs to no session and outlives its publisher's (MQTT 3.1.1, MQTT-3.1.2-7).
    /// - Returns: the point at which it is stored; nil when there is no room.
    func retain(_ message: consuming Message) -> CommitPoint? {
        guard !message.isReserved || source(of: message.topic) == nil else { return CommitPoint.none }
        let isKept = hasStore && durability.level(of: message) != .memory
        guard isKept || message.expiresAt != .never else {
            var message = Optional(message)  // moved in, so that no reference is counted
            let result = retained.withLock { retained in
                message.take().map { retained.set($0, limit: limits.retainedMessages) }
            }
            return result == .full ? nil : CommitPoint.none
        }
        return retain(message, isKept: isKept)
    }

    /// The same for a message that is written to the store, or expires: it is looked at afterwards, too.
    private func retain(_ message: Message, isKept: Bool) -> CommitPoint? {
        let result = retained.withLock { retained -> (RetainedStore.SetResult, CommitPoint) in
            let result = retained.set(message, limit: limits.retainedMessages)
            guard isKept, let store else { return (result, .none) }
            switch result {
            case .stored:
                let expiresAt = clock.wallClock(at: message.expiresAt)
                return (result, store.append(.putRetained(message, expiresAt: expiresAt)))
            case .removed: return (result, store.append(.removeRetained(message.topic)))
            case .unchanged, .full: return (result, .none)
            }
        }
        guard result.0 != .full else { return nil }
        if result.0 == .stored, message.expiresAt != .never {
            deadlines.withLock { $0.insert(.retained(message.topic), at: message.expiresAt) }
        }
        return result.1
    }

    package func retainedMessage(of topic: TopicName, as principal: Principal) -> Message? {
        guard principal.kind == .gateway || authorizer.allows(.receive(topic), by: principal) else {
            return nil
        }
        let message = source(of: topic)?.message(of: topic) ?? retained.withLock { $0.message(of: topic) }
        return message.flatMap { $0.expiresAt == .never || $0.expiresAt > clock.now() ? $0 : nil }
    }

    package func retainedMessages(matching filter: TopicFilter, limit: Int, as principal: Principal) -> [Message] {
        if let topic = filter.topicName {
            return limit > 0 ? retainedMessage(of: topic, as: principal).map { [$0] } ?? [] : []
        }
        var found: [Message] = []
        retained.withLock { $0.collect(filter, limit: limit, into: &found) }
        for source in retainedSources.withLock({ $0 }) where filter.reaches(below: source.root) {
            source.collect(filter, limit: limit, into: &found)
        }
        let now = clock.now()
        return found.filter { message in
            message.expiresAt > now && mayReceive(message, principal)
        }
    }

    package func retain(by source: any RetainedSource) {
        retainedSources.withLock { sources in
            sources.removeAll { $0.root == source.root }
            sources.append(source)
        }
    }

    /// Who keeps the last value of `topic`; nil for the broker itself.
    private func source(of topic: TopicName) -> (any RetainedSource)? {
        guard topic.isReserved else { return nil }
        return retainedSources.withLock { sources in sources.first { topic.string.utf8.starts(with: $0.root.utf8) } }
    }

    /// Forgets a retained message whose time is over.
    func removeRetainedIfExpired(_ topic: TopicName, now: Timestamp) {
        retained.withLock { retained in
            guard let message = retained.message(of: topic), message.expiresAt <= now else { return }
            retained.remove(message)
            _ = store?.append(.removeRetained(topic))
        }
    }
}
