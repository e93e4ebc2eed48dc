import Messaging
import Synchronization

/// A connected client's hold on its session of the fake broker.
final class FakeAttachment: Attachment {
    let clientID: ClientID
    let principal: Principal
    private let broker: FakeBroker
    private let number: Int
    private let registry: FakeTopicIDRegistry

    init(
        broker: FakeBroker, clientID: ClientID, number: Int, registry: FakeTopicIDRegistry, principal: Principal
    ) {
        self.broker = broker
        self.clientID = clientID
        self.number = number
        self.registry = registry
        self.principal = principal
    }

    var topicIDs: any TopicIDRegistry { registry }
    var isHeldBack: Bool { broker.state.withLock { $0.isHeldBack } }
    /// The fake stores nothing; with commits by hand, whatever happened last is not committed yet.
    var recorded: CommitPoint { withSession { state, _ in state.commitPoint() } ?? .none }
    var backlog: Int { withSession { _, session in session.backlog } ?? 0 }
    var will: Will? { withSession { _, session in session.will } ?? nil }

    func publish(_ batch: inout MessageBatch, outcomes: inout [PublishOutcome]) {
        var messages: [Message] = []
        while !batch.isEmpty { messages.append(batch.takeFirst()) }
        let result = withSession { state, _ in state.publish(messages) }
        outcomes += result?.outcomes ?? messages.map { _ in .refused(.detached) }
        broker.notify(result?.woken ?? [])
    }

    func beginReceiving(packetID: UInt16) -> Bool? {
        withSession { _, session in session.awaitingRelease.insert(packetID).inserted } ?? false
    }

    func endReceiving(packetID: UInt16) -> Bool {
        withSession { _, session in session.awaitingRelease.remove(packetID) != nil } ?? false
    }

    func change(_ changes: [SubscriptionChange], outcomes: inout [SubscriptionOutcome]) -> CommitPoint {
        var woken: [FakeOwner] = []
        let result = withSession { state, session in
            let outcomes = changes.map { change -> SubscriptionOutcome in
                switch change {
                case .subscribe(let subscription):
                    .subscribed(Self.subscribe(subscription, &state, session, &woken))
                case .unsubscribe(let filter): .unsubscribed(Self.unsubscribe(filter, state, session))
                }
            }
            return (outcomes: outcomes, commit: state.commitPoint())
        }
        broker.notify(woken)
        outcomes += result?.outcomes ?? changes.map(\.whenDetached)
        return result?.commit ?? .none
    }

    private static func subscribe(
        _ subscription: Subscription, _ state: inout FakeBroker.State, _ session: FakeSession,
        _ woken: inout [FakeOwner]
    ) -> SubscribeOutcome {
        if state.forbidden.contains(subscription.filter.string) { return .refused(.notAuthorized) }
        let isNew = session.subscriptions.updateValue(subscription, forKey: subscription.filter) == nil
        guard subscription.retainHandling == .send || (subscription.retainHandling == .sendIfNew && isNew)
        else { return .granted(subscription.qos) }
        var identifiers = SubscriptionIDs.none
        identifiers.insert(subscription.identifier)
        for message in state.retained.values where subscription.filter.matches(message.topic) {
            woken += [session.enqueue(message, qos: subscription.qos, retain: true, identifiers)].compactMap(\.self)
        }
        return .granted(subscription.qos)
    }

    private static func unsubscribe(
        _ filter: TopicFilter, _ state: FakeBroker.State, _ session: FakeSession
    ) -> UnsubscribeOutcome {
        if state.forbidden.contains(filter.string) { return .refused(.notAuthorized) }
        return session.subscriptions.removeValue(forKey: filter) == nil ? .notSubscribed : .removed
    }

    func take(_ limit: Int, into deliveries: inout [Delivery]) -> TakeResult {
        var taken: [Delivery] = []
        let result = withSession { _, session in session.take(limit, into: &taken) }
        deliveries += taken
        return result ?? .drained
    }

    func settle(packetID: UInt16, _ settlement: Settlement) -> Bool {
        let (isKnown, owner) =
            withSession { state, session in
                state.settlements.append(settlement)
                let isKnown = session.settle(packetID, settlement)
                return (isKnown, isKnown && session.backlog > 0 ? session.ownerToWake() : nil)
            } ?? (false, nil)
        owner?.wake()
        return isKnown
    }

    func acknowledge(packetIDs: [UInt16]) {
        for packetID in packetIDs { _ = settle(packetID: packetID, .acknowledged) }
    }

    func discard(_ delivery: Delivery, reason: DropReason) {
        _ = withSession { state, session in
            state.discarded.append((delivery, reason))
            session.discard(delivery)
        }
    }

    func giveBack(_ delivery: Delivery) {
        let owner = broker.state.withLock { $0.sessions[clientID]?.giveBack(delivery) }
        owner?.wake()
    }

    var mailboxReport: MailboxReport {
        var report = MailboxReport()
        report.messages = backlog
        return report
    }

    @discardableResult
    func supervise(_ reachability: Reachability, silence: Duration?) -> CommitPoint {
        let now = broker.clock.now()
        return withSession { state, session in
            session.reachability = reachability
            session.silence = silence
            session.lastHeard = now
            return state.commitPoint()
        } ?? .none
    }

    func touch() {
        let now = broker.clock.now()
        _ = withSession { _, session in session.lastHeard = now }
    }

    func wakeWhenCommitted(_ point: CommitPoint) -> Bool {
        withSession { state, session in
            if state.isCommitted(point) { return true }
            if let owner = session.owner { state.commitWaiters.append(owner) }
            return false
        } ?? true
    }

    func updateWill(_ will: Will?) {
        _ = withSession { _, session in session.will = will }
    }

    func detach(_ reason: DetachReason, expiry: SessionExpiryChange?) {
        let woken = withSession { state, session in state.detach(session, reason, expiry: expiry) }
        broker.notify(woken ?? [])
    }

    /// Nil after `detach` or a takeover: the session is somebody else's then.
    private func withSession<Result>(_ body: (inout FakeBroker.State, FakeSession) -> Result) -> Result? {
        broker.state.withLock { state in
            guard let session = state.sessions[clientID], session.attachmentNumber == number else { return nil }
            return body(&state, session)
        }
    }
}

/// Normal topic ids of one fake session, counted up from 1.
final class FakeTopicIDRegistry: TopicIDRegistry {
    private struct State {
        var topics: [TopicName] = []
        var ids: [TopicName: UInt16] = [:]
        var known: Set<UInt16> = []
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = limit
    }

    func register(_ topic: TopicName) -> UInt16? {
        state.withLock { state in
            if let id = state.ids[topic] { return id }
            guard state.topics.count < limit else { return nil }
            state.topics.append(topic)
            let id = UInt16(state.topics.count)
            state.ids[topic] = id
            return id
        }
    }

    func topic(of id: UInt16) -> TopicName? {
        state.withLock { state in
            id > 0 && Int(id) <= state.topics.count ? state.topics[Int(id) - 1] : nil
        }
    }

    func id(of topic: TopicName) -> UInt16? { state.withLock { $0.ids[topic] } }
    func isKnownToClient(_ id: UInt16) -> Bool { state.withLock { $0.known.contains(id) } }

    func setKnownToClient(_ id: UInt16, _ known: Bool) {
        state.withLock { state in
            if known { state.known.insert(id) } else { state.known.remove(id) }
        }
    }
}
