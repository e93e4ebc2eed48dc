import Messaging
import Synchronization

extension CoreBroker {
    func subscribe(
        _ subscriptions: [Subscription], session: Session, principal: Principal
    ) -> (outcomes: [SubscribeOutcome], commit: CommitPoint) {
        var commit = CommitPoint.none
        var held = routing.read { $0.index.count(of: session.subscriber) }
        let outcomes = subscriptions.map { subscription -> SubscribeOutcome in
            if let refusal = refusal(of: subscription, principal, held: held) { return .refused(refusal) }
            let isNew: Bool? = routing.write { routing in
                // The session may have ended since; its place could be another's.
                guard routing.holds(session) else { return nil }
                return routing.index.insert(subscription, for: session.subscriber)
            }
            guard let isNew else { return .refused(.detached) }
            if isNew { held += 1 }
            let point = session.state.withLock { state in
                state.mailbox.recorder?.append(.putSubscription(session.number, subscription))
            }
            commit = max(commit, point ?? .none)
            sendRetained(subscription, isNew: isNew, to: session, principal: principal)
            return .granted(subscription.qos)
        }
        return (outcomes, commit)
    }

    private func refusal(of subscription: Subscription, _ principal: Principal, held: Int) -> SubscribeRefusal? {
        let filter = subscription.filter
        guard !(subscription.noLocal && filter.shareGroup != nil) else { return .noLocalOnShared }  // MQTT-3.8.3-4
        guard Levels.count(filter.pattern) <= limits.topicLevels else { return .filterTooDeep }
        guard principal.kind == .gateway || authorizer.allows(.subscribe(filter), by: principal) else {
            return .notAuthorized
        }
        return held < limits.subscriptionsPerSession ? nil : .quotaExceeded
    }

    func unsubscribe(_ filters: [TopicFilter], session: Session) -> (existed: [Bool], commit: CommitPoint) {
        var commit = CommitPoint.none
        let existed = filters.map { filter in
            let existed = routing.write { routing in
                routing.holds(session) && routing.index.remove(filter, of: session.subscriber)
            }
            if existed {
                let point = session.state.withLock { state in
                    state.mailbox.recorder?.append(.removeSubscription(session.number, filter))
                }
                commit = max(commit, point ?? .none)
            }
            return existed
        }
        return (existed, commit)
    }

    /// Puts the retained messages under a new subscription into the mailbox (MQTT-3.3.1-9 to MQTT-3.3.1-11); never for a
    /// shared one (MQTT 5.0, 4.8.2).
    private func sendRetained(_ subscription: Subscription, isNew: Bool, to session: Session, principal: Principal) {
        guard subscription.filter.shareGroup == nil else { return }
        switch subscription.retainHandling {
        case .doNotSend: return
        case .sendIfNew where !isNew: return
        case .send, .sendIfNew: break
        }
        var identifiers = SubscriptionIDs.none
        identifiers.insert(subscription.identifier)
        var wake: (any SessionOwner)?
        for message in retainedMessages(matching: subscription.filter, limit: .max, as: principal) {
            let effects = session.put(
                message, qos: min(message.qos, subscription.qos), retain: true,  // MQTT-3.3.1-8
                subscriptionIDs: identifiers, limits: limits.mailbox)
            wake = effects.wake ?? wake
            if let reason = effects.dropped { events.record(.dropping(session.clientID, reason)) }
        }
        wake?.wake()
    }
}
