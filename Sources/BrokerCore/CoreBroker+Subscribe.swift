import Messaging
import Synchronization

extension CoreBroker {
    func subscribe(
        _ subscriptions: [Subscription], session: Session, principal: Principal
    ) -> (outcomes: [SubscribeOutcome], commit: CommitPoint) {
        let version = accessVersion.load(ordering: .sequentiallyConsistent)
        var commit = CommitPoint.none
        var outcomes: [SubscribeOutcome] = []
        outcomes.reserveCapacity(subscriptions.count)
        for asked in subscriptions {
            let subscription = rewritten(asked, principal)
            switch insert(subscription, for: session, principal) {
            case .success(let isNew):
                let point = session.state.withLock { state in
                    state.mailbox.recorder?.append(.putSubscription(session.number, subscription))
                }
                let sent = sendRetained(subscription, isNew: isNew, to: session, principal: principal)
                commit = max(commit, point ?? .none, sent)
                outcomes.append(.granted(subscription.qos))
            case .failure(let refusal): outcomes.append(.refused(refusal))
            }
        }
        // Rights changed meanwhile: `recheckAccess` may have missed what is new.
        if accessVersion.load(ordering: .sequentiallyConsistent) != version { recheck(session) }
        return (outcomes, commit)
    }

    /// - Returns: whether it is new.
    private func insert(
        _ subscription: Subscription, for session: Session, _ principal: Principal
    ) -> Result<Bool, SubscribeRefusal> {
        let filter = subscription.filter
        // MQTT-3.8.3-4
        guard !(subscription.noLocal && filter.isShared) else { return .failure(.noLocalOnShared) }
        guard filter.withPattern({ !Levels.areMore(than: limits.topicLevels, in: $0) }) else {
            return .failure(.filterTooDeep)
        }
        guard features.allowsExclusive || !filter.isExclusive else { return .failure(.notAuthorized) }
        let access = access(to: filter, by: principal)
        guard access != .refused else { return .failure(.notAuthorized) }
        // A durable session's subscription is acknowledged when it is stored; a failing store makes no promises.
        guard store?.isFailing != true || !session.isDurable.load(ordering: .relaxed) else {
            return .failure(.quotaExceeded)
        }
        return routing.write { routing in
            // The session may have ended since; its place could be another's.
            guard routing.holds(session) else { return .failure(.detached) }
            guard routing.index.count(of: session.subscriber) < limits.subscriptionsPerSession,
                !routing.index.isTaken(filter, for: session.subscriber)
            else { return .failure(.quotaExceeded) }
            return .success(
                routing.index.insert(subscription, for: session.subscriber, isPartial: access == .partial))
        }
    }

    private func rewritten(_ asked: Subscription, _ principal: Principal) -> Subscription {
        guard let rewriter = features.rewriter, principal.kind != .gateway,
            let filter = rewriter.rewritten(asked.filter, for: principal)
        else { return asked }
        return Subscription(
            filter: filter, qos: asked.qos, noLocal: asked.noLocal, retainAsPublished: asked.retainAsPublished,
            retainHandling: asked.retainHandling, identifier: asked.identifier)
    }

    /// What the authorizer says; the gateway's own are not asked about.
    func access(to filter: TopicFilter, by principal: Principal) -> SubscriptionAccess {
        principal.kind == .gateway ? .full : authorizer.access(to: filter, by: principal)
    }

    func unsubscribe(
        _ filters: [TopicFilter], session: Session, principal: Principal
    ) -> (outcomes: [UnsubscribeOutcome], commit: CommitPoint) {
        var commit = CommitPoint.none
        var outcomes: [UnsubscribeOutcome] = []
        outcomes.reserveCapacity(filters.count)
        for asked in filters {
            let filter = features.rewriter?.rewritten(asked, for: principal) ?? asked
            guard principal.kind == .gateway || authorizer.allows(.unsubscribe(filter), by: principal) else {
                outcomes.append(.refused(.notAuthorized))
                continue
            }
            let (existed, point) = remove(filter, of: session)
            commit = max(commit, point)
            outcomes.append(existed ? .removed : .notSubscribed)
        }
        return (outcomes, commit)
    }

    /// Takes away a subscription whose filter is equal octet for octet (MQTT-3.10.4-1). Nothing new is put into the mailbox for it
    /// (MQTT-3.10.4-2); what is on the way goes its way (MQTT-3.10.4-3).
    /// - Returns: whether there was such a subscription.
    func remove(_ filter: TopicFilter, of session: Session) -> (existed: Bool, commit: CommitPoint) {
        let existed = routing.write { routing in
            routing.holds(session) && routing.index.remove(filter, of: session.subscriber)
        }
        guard existed else { return (false, .none) }
        let point = session.state.withLock { state in
            state.mailbox.recorder?.append(.removeSubscription(session.number, filter))
        }
        return (true, point ?? .none)
    }

    /// Puts the retained messages under a new subscription into the mailbox (MQTT-3.3.1-9, MQTT-3.3.1-10, MQTT-3.3.1-11), also
    /// under one that is subscribed to again (MQTT-3.8.4-4); never for a
    /// shared one (MQTT 5.0, 4.8.2).
    /// - Returns: the point at which the durable session has them.
    private func sendRetained(
        _ subscription: Subscription, isNew: Bool, to session: Session, principal: Principal
    ) -> CommitPoint {
        guard !subscription.filter.isShared else { return .none }
        switch subscription.retainHandling {
        case .doNotSend: return .none
        case .sendIfNew where !isNew: return .none
        case .send, .sendIfNew: break
        }
        var wake: SessionAttachment?
        var commit = CommitPoint.none
        // Most filters that devices ask with name one topic.
        if let topic = subscription.filter.topicName {
            if let message = retainedMessage(of: topic, as: principal) {
                commit = put(message, for: subscription, in: session, &wake)
            }
        } else {
            for message in retainedMessages(matching: subscription.filter, limit: .max, as: principal) {
                commit = max(commit, put(message, for: subscription, in: session, &wake))
            }
        }
        wake?.wake()
        return commit
    }

    private func put(
        _ message: Message, for subscription: Subscription, in session: Session, _ wake: inout SessionAttachment?
    ) -> CommitPoint {
        var identifiers = SubscriptionIDs.none
        identifiers.insert(subscription.identifier)
        let receiver = RouteScratch.Merged(
            subscriber: session.subscriber, qos: subscription.qos, retainAsPublished: true,  // MQTT 3.1.1, MQTT-3.3.1-8
            subscriptionIDs: identifiers)
        let (effects, commit) = session.put(
            message, as: receiver, durability: durability.level(of: message), limits: limits.mailbox, clock: clock
        )
        if let reason = effects.dropped { events.record(.dropping(session.clientID, reason)) }
        wake = effects.wake ?? wake
        return commit
    }
}
