import Messaging
import Synchronization

extension CoreBroker {
    /// So many changes are made under one lock; publishers wait no longer than for these.
    private static let changesAtOnce = 64

    /// As `Attachment.change`.
    func change(
        _ changes: [SubscriptionChange], session: Session, principal: Principal,
        outcomes: inout [SubscriptionOutcome]
    ) -> CommitPoint {
        let version = accessVersion.load(ordering: .sequentiallyConsistent)
        let changes = rewrites ? rewritten(changes, principal) : changes
        var scratch = ChangeScratch()
        spareChanges.withLock { swap(&$0, &scratch) }
        var commit = CommitPoint.none
        for start in stride(from: 0, to: changes.count, by: Self.changesAtOnce) {
            let part = changes[start..<min(start + Self.changesAtOnce, changes.count)]
            enter(part, of: session, principal, &outcomes, &scratch)
            if !scratch.wanting.isEmpty { collectRetained(as: principal, &scratch) }
            commit = max(commit, keep(part, outcomes.suffix(part.count), scratch, in: session))
            scratch.clear()
        }
        spareChanges.withLock { swap(&$0, &scratch) }
        // Rights changed meanwhile: `recheckAccess` may have missed what is new.
        if accessVersion.load(ordering: .sequentiallyConsistent) != version { recheck(session) }
        return commit
    }

    /// First step: the index.
    private func enter(
        _ changes: ArraySlice<SubscriptionChange>, of session: Session, _ principal: Principal,
        _ outcomes: inout [SubscriptionOutcome], _ scratch: inout ChangeScratch
    ) {
        routing.write { routing in
            for change in changes {
                switch change {
                case .subscribe(let subscription):
                    switch insert(subscription, into: &routing, for: session, principal) {
                    case .success(let isNew):
                        outcomes.append(.subscribed(.granted(subscription.qos)))
                        if subscription.wantsRetained(isNew: isNew) { scratch.wanting.append(subscription) }
                    case .failure(let refusal): outcomes.append(.subscribed(.refused(refusal)))
                    }
                case .unsubscribe(let filter):
                    outcomes.append(.unsubscribed(remove(filter, from: &routing, for: session, principal)))
                }
            }
        }
    }

    /// - Returns: whether it is new.
    private func insert(
        _ subscription: Subscription, into routing: inout Routing, for session: Session, _ principal: Principal
    ) -> Result<Bool, SubscribeRefusal> {
        let filter = subscription.filter
        // MQTT-3.8.3-4
        guard !(subscription.noLocal && filter.isShared) else { return .failure(.noLocalOnShared) }
        guard filter.withPattern({ !Levels.areMore(than: limits.topicLevels, in: $0) }) else {
            return .failure(.filterTooDeep)
        }
        guard features.allowsExclusive || !filter.isExclusive else { return .failure(.notAuthorized) }
        let access = isRestricted ? access(to: filter, by: principal) : .full
        guard access != .refused else { return .failure(.notAuthorized) }
        // A durable session's subscription is acknowledged when it is stored; a failing store makes no promises.
        if hasStore, store?.isFailing == true, session.isDurable.load(ordering: .relaxed) {
            return .failure(.quotaExceeded)
        }
        // The session may have ended since; its place could be another's.
        guard routing.holds(session) else { return .failure(.detached) }
        guard routing.index.count(of: session.subscriber) < limits.subscriptionsPerSession,
            !routing.index.isTaken(filter, for: session.subscriber)
        else { return .failure(.quotaExceeded) }
        return .success(routing.index.insert(subscription, for: session.subscriber, isPartial: access == .partial))
    }

    /// What the authorizer says; the gateway's own are not asked about.
    func access(to filter: TopicFilter, by principal: Principal) -> SubscriptionAccess {
        principal.kind == .gateway ? .full : authorizer.access(to: filter, by: principal)
    }

    /// Takes away a subscription whose filter is equal octet for octet (MQTT-3.10.4-1). Nothing new is put into the mailbox for it
    /// (MQTT-3.10.4-2); what is on the way goes its way (MQTT-3.10.4-3).
    private func remove(
        _ filter: TopicFilter, from routing: inout Routing, for session: Session, _ principal: Principal
    ) -> UnsubscribeOutcome {
        guard
            !isRestricted || principal.kind == .gateway || authorizer.allows(.unsubscribe(filter), by: principal)
        else { return .refused(.notAuthorized) }
        guard routing.holds(session), routing.index.remove(filter, of: session.subscriber) else {
            return .notSubscribed
        }
        return .removed
    }

    /// Takes away a subscription that its session may hold no longer.
    /// - Returns: whether there was such a subscription.
    func remove(_ filter: TopicFilter, of session: Session) -> Bool {
        let existed = routing.write { routing in
            routing.holds(session) && routing.index.remove(filter, of: session.subscriber)
        }
        guard existed else { return false }
        session.state.withLock { state in
            _ = state.mailbox.recorder?.append(.removeSubscription(session.number, filter))
        }
        return true
    }

    /// Second step: the retained messages of new subscriptions (MQTT-3.3.1-9, MQTT-3.3.1-10, MQTT-3.3.1-11), also
    /// of those that are subscribed to again (MQTT-3.8.4-4).
    private func collectRetained(as principal: Principal, _ scratch: inout ChangeScratch) {
        // Most filters that devices ask with name one topic.
        retained.withLock { $0.collect(for: scratch.wanting, into: &scratch.copies) }
        let now = clock.now()
        // Looked for first, as there are none as a rule.
        if isRestricted || scratch.copies.contains(where: { $0.message.expiresAt <= now }) {
            scratch.copies.removeAll { $0.message.expiresAt <= now || !mayReceive($0.message, principal) }
        }
        for index in scratch.wanting.indices where !scratch.wanting[index].filter.isPlainName {
            for message in retainedMessages(matching: scratch.wanting[index].filter, limit: .max, as: principal) {
                scratch.copies.append(RetainedCopy(message: message, subscription: index))
            }
        }
    }

    /// Third step: the session's record and mailbox.
    /// - Returns: the point at which the durable session has all of it.
    private func keep(
        _ changes: ArraySlice<SubscriptionChange>, _ outcomes: ArraySlice<SubscriptionOutcome>,
        _ scratch: borrowing ChangeScratch, in session: Session
    ) -> CommitPoint {
        guard !scratch.copies.isEmpty || session.isDurable.load(ordering: .relaxed) else { return .none }
        let (commit, effects) = session.state.withLock { state in
            let recorded = state.record(changes, outcomes, number: session.number)
            guard !scratch.copies.isEmpty else { return (recorded, Session.PutEffects()) }
            var put = SessionState.Putting(
                state, RouteScratch.Merged(subscriber: session.subscriber, qos: .atMostOnce, retainAsPublished: true),
                durability.general, limits: limits.mailbox, clock: clock)
            var commit = recorded
            for copy in scratch.copies {
                put.begin(scratch.wanting[copy.subscription], durability.level(of: copy.message))
                commit = max(commit, state.put(copy.message, MessageOutline(copy.message), &put))
            }
            return (commit, state.effects(of: put))
        }
        if let reason = effects.dropped { events.record(.dropping(session.clientID, reason)) }
        effects.wake?.wake()
        return commit
    }

    private func rewritten(_ changes: [SubscriptionChange], _ principal: Principal) -> [SubscriptionChange] {
        guard let rewriter = features.rewriter else { return changes }
        return changes.map { change in
            switch change {
            case .subscribe(let asked):
                guard principal.kind != .gateway, let filter = rewriter.rewritten(asked.filter, for: principal) else {
                    return change
                }
                return .subscribe(
                    Subscription(
                        filter: filter, qos: asked.qos, noLocal: asked.noLocal,
                        retainAsPublished: asked.retainAsPublished, retainHandling: asked.retainHandling,
                        identifier: asked.identifier))
            case .unsubscribe(let filter):
                return .unsubscribe(rewriter.rewritten(filter, for: principal) ?? filter)
            }
        }
    }
}

/// Room for what some changes lead to; reused, so that they allocate nothing.
struct ChangeScratch: ~Copyable {
    /// Subscriptions that retained messages are sent for.
    var wanting: [Subscription] = []
    var copies: [RetainedCopy] = []

    /// Room for more than so many messages is given back: who subscribes to all of them does so once.
    private static let keptRoom = 256

    /// One by one, which for the few that there are as a rule costs less than `removeAll`.
    mutating func clear() {
        while wanting.popLast() != nil {}
        if copies.capacity > Self.keptRoom { copies = [] }
        while copies.popLast() != nil {}
    }
}

/// A retained message on its way to a new subscription.
struct RetainedCopy {
    let message: Message
    /// The subscription's place in `ChangeScratch.wanting`.
    let subscription: Int
}

extension Subscription {
    /// Whether retained messages are sent for it; never for a shared one (MQTT 5.0, 4.8.2).
    fileprivate func wantsRetained(isNew: Bool) -> Bool {
        guard !filter.isShared else { return false }
        return switch retainHandling {
        case .doNotSend: false
        case .sendIfNew: isNew
        case .send: true
        }
    }
}

extension TopicFilter {
    /// It names a topic whose last value nobody but the broker keeps.
    var isPlainName: Bool { isName && withPattern { $0.first != UInt8(ascii: "$") } }
}

extension SessionState.Putting {
    /// What follows is for a subscription alone.
    fileprivate mutating func begin(_ subscription: Subscription, _ durability: Durability) {
        receiver.qos = subscription.qos
        // retainAsPublished: MQTT 3.1.1, MQTT-3.3.1-8
        receiver.subscriptionIDs = .none
        receiver.subscriptionIDs.insert(subscription.identifier)
        self.durability = durability
    }
}

extension SessionState {
    /// Records what was carried out.
    /// - Returns: the point at which it is stored.
    fileprivate mutating func record(
        _ changes: ArraySlice<SubscriptionChange>, _ outcomes: ArraySlice<SubscriptionOutcome>, number: SessionNumber
    ) -> CommitPoint {
        guard mailbox.recorder != nil else { return .none }
        var commit = CommitPoint.none
        for (change, outcome) in zip(changes, outcomes) {
            switch (change, outcome) {
            case (.subscribe(let subscription), .subscribed(.granted)):
                commit = mailbox.recorder?.append(.putSubscription(number, subscription)) ?? commit
            case (.unsubscribe(let filter), .unsubscribed(.removed)):
                commit = mailbox.recorder?.append(.removeSubscription(number, filter)) ?? commit
            default: break
            }
        }
        return commit
    }
}
