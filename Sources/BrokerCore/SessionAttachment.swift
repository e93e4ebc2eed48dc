import Messaging
import Synchronization

/// One connection's hold on a session: the core's side of the `Attachment` port. After another connection took over, its
/// epoch is outdated and every call is answered as if the session were empty.
final class SessionAttachment: Attachment {
    let session: Session
    private let owner: any SessionOwner
    /// What the owner calls this client.
    private let number: UInt64
    /// Of its listener.
    let traffic: Traffic
    private let broker: CoreBroker
    private let identity: Identity
    /// What this client's listener says about its messages; nil when it says nothing.
    let durability: Durability?
    /// It waits for mailboxes to drain. Changed under the lock of `CoreBroker.held`.
    let isWaiting = Atomic<Bool>(false)
    let epoch: UInt32
    /// Time of the last sign of life and silence allowed after it, in nanoseconds of the monotonic clock; 0 for no supervision.
    private let lastTouch: Atomic<Int64>
    private let silence: Atomic<Int64>
    /// When the earliest look at its silence is due. Changed under the lock of `CoreBroker.deadlines`.
    private let watchedAt = Atomic<Int64>(.max)

    init(
        session: Session, epoch: UInt32, owner: any SessionOwner, number: UInt64, principal: Principal,
        broker: CoreBroker,
        silence: Duration?, durability: Durability?, traffic: Traffic
    ) {
        self.session = session
        self.epoch = epoch
        self.owner = owner
        self.number = number
        identity = Identity(principal)
        self.broker = broker
        self.durability = durability
        self.traffic = traffic
        lastTouch = Atomic(broker.clock.now().nanoseconds)
        self.silence = Atomic(silence?.wholeNanoseconds ?? 0)
        session.lane.store(owner.lane, ordering: .relaxed)
    }

    /// A principal without its client id, which the session knows.
    private struct Identity {
        let kind: Principal.Kind
        let proof: UInt64
        let isProvenByConnection: Bool

        init(_ principal: Principal) {
            kind = principal.kind
            proof = principal.proof
            isProvenByConnection = principal.isProvenByConnection
        }
    }

    /// As of `SessionOwner`. With no lock held.
    func wake() { owner.wake(number) }
    func close(_ reason: CloseReason) { owner.close(number, reason) }

    var clientID: ClientID { session.clientID }

    var principal: Principal {
        Principal(
            kind: identity.kind, clientID: clientID, proof: identity.proof,
            isProvenByConnection: identity.isProvenByConnection)
    }

    var topicIDs: any TopicIDRegistry { self }

    // MARK: Publishing

    func publish(_ messages: inout MessageBatch, outcomes: inout [PublishOutcome]) {
        let receiving = withState { $0.takeUnrecordedReceiving() }
        guard let receiving else {
            while !messages.isEmpty {
                _ = messages.takeFirst()
                outcomes.append(.refused(.detached))
            }
            return
        }
        let first = outcomes.count
        var accepted = TrafficReading.Volume()
        if receiving.isEmpty {
            accepted = broker.route(&messages, as: principal, publisher: self, outcomes: &outcomes)
        } else {
            broker.together {
                accepted = broker.routeInGroup(
                    &messages, as: principal, publisher: self, hasPublisher: true, outcomes: &outcomes)
                record(receiving)
            }
        }
        traffic.count(accepted, outcomes[first...])
    }

    /// Notes the exactly-once messages that were published just now.
    private func record(_ receiving: [UInt16]) {
        let number = session.number
        session.state.withLock { state in
            for packetID in receiving where state.receiving.contains(packetID) {
                state.mailbox.recorder?.append(.putReceiving(number, packetID: packetID))
            }
        }
    }

    var isHeldBack: Bool { isWaiting.load(ordering: .relaxed) }

    func beginReceiving(packetID: UInt16) -> Bool? {
        let limit = broker.limits.awaitingRelease
        return withState { $0.beginReceiving(packetID, limit: limit) } ?? nil
    }

    func endReceiving(packetID: UInt16) -> Bool {
        let number = session.number
        return withState { state in
            guard state.endReceiving(packetID) else { return false }
            state.mailbox.recorder?.append(.removeReceiving(number, packetID: packetID))
            return true
        } ?? false
    }

    // MARK: Subscribing

    func change(_ changes: [SubscriptionChange], outcomes: inout [SubscriptionOutcome]) -> CommitPoint {
        guard isCurrent else {
            outcomes += changes.lazy.map(\.whenDetached)
            return .none
        }
        return broker.change(changes, session: session, principal: principal, outcomes: &outcomes)
    }

    // MARK: Receiving

    func take(_ limit: Int, into deliveries: inout [Delivery]) -> TakeResult {
        let first = deliveries.count
        defer { traffic.count(deliveries[first...]) }
        while true {
            let (result, effects) = session.take(
                limit, epoch: epoch, clock: broker.clock, limits: broker.limits.mailbox,
                memoryShare: broker.memoryShare.load(ordering: .relaxed), into: &deliveries)
            perform(effects)
            // What is not stored yet comes with the commit, unless that has just passed.
            guard let point = effects.awaitedCommit, broker.wakeWhenCommitted(point, self) else {
                return result
            }
        }
    }

    func settle(packetID: UInt16, _ settlement: Settlement) -> Bool {
        let (isKnown, attachment) = session.settle(packetID, settlement, epoch: epoch)
        attachment?.wake()
        return isKnown
    }

    func acknowledge(packetIDs: [UInt16]) {
        session.acknowledge(packetIDs, epoch: epoch)?.wake()
    }

    func discard(_ delivery: Delivery, reason: DropReason) {
        perform(session.discard(delivery, reason: reason, epoch: epoch))
    }

    var recorded: CommitPoint {
        guard session.isDurable.load(ordering: .relaxed) else { return .none }  // asked for with each release: no lock
        return withState { $0.mailbox.recorder?.last ?? .none } ?? .none
    }

    func giveBack(_ delivery: Delivery) {
        precondition(delivery.packetID == 0, "deliveries at QoS 1 and 2 stay with the session until they are settled")
        broker.giveBack(delivery, to: session)
    }

    var mailboxReport: MailboxReport { withState { $0.mailbox.report } ?? MailboxReport() }

    var backlog: Int { withState { $0.mailbox.backlog } ?? 0 }

    @inline(__always)
    private func perform(_ effects: Session.DrainEffects) {
        for publisher in effects.relieved { publisher.relieve(from: session) }
        effects.wake?.wake()
        if let page = effects.page { broker.read(page, of: session) }
    }

    /// `receiver` has drained, or does not matter any more.
    func relieve(from receiver: Session) {
        if broker.held.withLock({ $0.end(self, receiver) }) { wake() }
    }

    // MARK: Liveness

    @discardableResult
    func supervise(_ reachability: Reachability, silence: Duration?) -> CommitPoint {
        self.silence.store(silence?.wholeNanoseconds ?? 0, ordering: .relaxed)
        touch()
        let change: (wake: SessionAttachment?, changed: Bool, released: [SessionAttachment])? = withState { state in
            let changed = state.reachability != reachability
            state.reachability = reachability
            if reachability == .asleep { state.forgetRoom() }
            if reachability == .asleep, state.silentAt != silentAt {
                // Only what lengthens the sleep has to be known after a crash; a client that wakes will sleep again or go.
                state.silentAt = silentAt
                broker.record(session, &state)
            }
            session.isListening.store(reachability == .awake, ordering: .relaxed)
            return (state.ownerToWake(), changed, reachability == .asleep ? state.takeHeldBack() : [])
        }
        guard let change else { return .none }
        broker.watchSilence(of: self)
        for publisher in change.released { publisher.relieve(from: session) }
        if change.changed {
            broker.events.record(reachability == .asleep ? .fellAsleep(clientID) : .wokeUp(clientID))
        }
        change.wake?.wake()
        return broker.store?.isFailing == true ? .none : recorded
    }

    /// Goes on with the deadline of a sleep that began in the process before.
    func sleeps(until silentAt: Timestamp) {
        guard let silence = silenceAllowed else { return }
        lastTouch.store((silentAt + (.zero - silence)).nanoseconds, ordering: .relaxed)
    }

    func touch() { lastTouch.store(broker.clock.now().nanoseconds, ordering: .relaxed) }

    /// When the client's silence will have lasted too long, as things stand.
    var silentAt: Timestamp {
        guard let silence = silenceAllowed else { return .never }
        return Timestamp(nanoseconds: lastTouch.load(ordering: .relaxed)) + silence
    }

    private var silenceAllowed: Duration? {
        let silence = silence.load(ordering: .relaxed)
        return silence > 0 ? .nanoseconds(silence) : nil
    }

    /// - Returns: whether a look at `time` is to be arranged, as none is due before. There is one at a time, so that a client that
    /// wakes often does not leave one behind each time.
    func beginWatch(at time: Timestamp) -> Bool {
        guard time.nanoseconds < watchedAt.load(ordering: .relaxed) else { return false }
        watchedAt.store(time.nanoseconds, ordering: .relaxed)
        return true
    }

    /// - Returns: whether the look that has come due is the latest arranged.
    func endWatch(at now: Timestamp) -> Bool {
        guard watchedAt.load(ordering: .relaxed) <= now.nanoseconds else { return false }
        watchedAt.store(.max, ordering: .relaxed)
        return true
    }

    var isCurrent: Bool { withState { _ in true } ?? false }

    // MARK: The end

    func wakeWhenCommitted(_ point: CommitPoint) -> Bool { broker.wakeWhenCommitted(point, self) }

    func updateWill(_ will: Will?) {
        withState { state in
            state.will = will
            broker.record(session, &state)
        }
    }

    var will: Will? { withState { $0.will } ?? nil }

    func detach(_ reason: DetachReason, expiry: SessionExpiryChange?) {
        broker.detach(self, reason: reason, expiry: expiry)
    }

    /// Runs `body` on the session's state while this attachment is the current one; else nil.
    @discardableResult
    func withState<Result: Sendable>(_ body: (inout SessionState) -> Result) -> Result? {
        session.state.withLock { state in
            guard state.epoch == epoch, state.attachment != nil, !state.hasEnded else { return nil }
            return body(&state)
        }
    }
}

extension SessionAttachment: TopicIDRegistry {
    func register(_ topic: TopicName) -> UInt16? {
        let limit = broker.limits.topicIDsPerSession
        let number = session.number
        return withState { state -> UInt16? in
            guard let (id, isNew) = state.topicIDs.register(topic, limit: limit) else { return nil }
            if isNew { state.mailbox.recorder?.append(.putTopicID(number, id: id, topic: topic, known: false)) }
            return id
        } ?? nil
    }

    func topic(of id: UInt16) -> TopicName? { withState { $0.topicIDs.topic(of: id) } ?? nil }

    func id(of topic: TopicName) -> UInt16? { withState { $0.topicIDs.id(of: topic) } ?? nil }

    func isKnownToClient(_ id: UInt16) -> Bool { withState { $0.topicIDs.isKnownToClient(id) } ?? false }

    func setKnownToClient(_ id: UInt16, _ known: Bool) {
        let number = session.number
        withState { state in
            guard state.topicIDs.setKnownToClient(id, known), let topic = state.topicIDs.topic(of: id) else { return }
            state.mailbox.recorder?.append(.putTopicID(number, id: id, topic: topic, known: known))
        }
    }
}
