package import Messaging
import Synchronization

/// A Broker for testing adapters without the core: every rule of the port an adapter can see, none of the core's speed.
/// One lock, linear matching, everything recorded. Owners are called after the lock is released.
package final class FakeBroker: Broker {
    package let clock: any GatewayClock
    package let limits: BrokerLimits
    package let predefinedTopics: PredefinedTopics
    private let manualClock: ManualClock
    let state = Mutex(State())

    struct State {
        var sessions: [ClientID: FakeSession] = [:]
        var retained: [TopicName: Message] = [:]
        var published: [Message] = []
        var discarded: [(delivery: Delivery, reason: DropReason)] = []
        var settlements: [Settlement] = []
        var connectRequests: [ConnectRequest] = []
        var refusal: ConnectRefusal?
        var parked: [@Sendable () -> Void]?
        var forbidden: Set<String> = []
        /// Topics whose messages are refused, and with what.
        var refusals: [String: PublishRefusal] = [:]
        /// How many are said to receive messages of a topic; nobody where nothing is said.
        var receivers: [String: Int] = [:]
        var exchanges: [String: @Sendable () -> any AuthenticationExchange] = [:]
        var isHeldBack = false
        var commitsByHand = false
        var lastCommit: UInt64 = 0
        var committed: UInt64 = 0
        var commitWaiters: [FakeOwner] = []
        var commitActions: [@Sendable () -> Void] = []
        var kept: [KeptArea: [String: [UInt8]]] = [:]
        var nextAttachment = 0
        var canServe = true
    }

    package init(
        clock: ManualClock = ManualClock(), limits: BrokerLimits = BrokerLimits(),
        predefinedTopics: PredefinedTopics = PredefinedTopics()
    ) {
        self.clock = clock
        self.manualClock = clock
        self.limits = limits
        self.predefinedTopics = predefinedTopics
    }

    // MARK: What a test looks at

    /// Everything published so far, by clients, by the test and as wills.
    package var published: [Message] { state.withLock { $0.published } }
    package var discarded: [(delivery: Delivery, reason: DropReason)] { state.withLock { $0.discarded } }
    package var settlements: [Settlement] { state.withLock { $0.settlements } }
    package var connectRequests: [ConnectRequest] { state.withLock { $0.connectRequests } }

    package func retained(_ topic: String) -> Message? {
        state.withLock { state in state.retained.first { $0.key.string == topic }?.value }
    }

    /// The session of a client, connected or not, as it is now.
    package func session(_ clientID: String) -> SessionSnapshot? {
        state.withLock { $0.sessions[ClientID(clientID)]?.snapshot }
    }

    package struct SessionSnapshot: Sendable {
        package let isAttached: Bool
        package let filters: [String]
        /// In no particular order.
        package let subscriptions: [Subscription]
        package let will: Will?
        package let reachability: Reachability
        package let silence: Duration?
        package let backlog: Int
    }

    // MARK: What a test sets

    /// Connects are refused with this from now on.
    package func refuseConnects(_ refusal: ConnectRefusal?) { state.withLock { $0.refusal = refusal } }

    package var canServe: Bool {
        get { state.withLock { $0.canServe } }
        set { state.withLock { $0.canServe = newValue } }
    }

    /// Decisions about connecting clients wait for `releaseConnects()`, as with a slow authenticator.
    package func parkConnects() { state.withLock { $0.parked = [] } }

    package func releaseConnects() {
        let parked = state.withLock { state in
            defer { state.parked = nil }
            return state.parked ?? []
        }
        for decide in parked { decide() }
    }

    /// Offers an authentication method of several steps.
    package func offer(_ method: String, _ exchange: @escaping @Sendable () -> any AuthenticationExchange) {
        state.withLock { $0.exchanges[method] = exchange }
    }

    /// Publishing to, subscribing to and unsubscribing from these topics and filters is refused.
    package func forbid(_ topics: String...) { state.withLock { $0.forbidden.formUnion(topics) } }

    /// Messages of this topic are refused.
    package func say(receivers: Int, of topic: String) { state.withLock { $0.receivers[topic] = receivers } }
    package func refuse(_ topic: String, _ refusal: PublishRefusal) { state.withLock { $0.refusals[topic] = refusal } }

    /// Publishers are asked to slow down; false wakes every attached owner.
    package func holdBack(_ held: Bool) {
        let owners: [FakeOwner] = state.withLock { state in
            state.isHeldBack = held
            return held ? [] : state.sessions.values.compactMap(\.owner)
        }
        for owner in owners { owner.wake() }
    }

    /// Acknowledgements wait for `commit()` from now on.
    package func commitByHand() { state.withLock { $0.commitsByHand = true } }

    package func commit() {
        let (owners, actions) = state.withLock { state in
            state.committed = state.lastCommit
            defer { (state.commitWaiters, state.commitActions) = ([], []) }
            return (state.commitWaiters, state.commitActions)
        }
        for owner in owners { owner.wake() }
        for action in actions { action() }
    }

    /// Publishes as another client would.
    package func publish(_ topic: String, _ payload: [UInt8], qos: QoS = .atMostOnce, retain: Bool = false) throws {
        let message = Message(
            topic: try TopicName(topic), payload: payload, qos: qos, retain: retain, publishedAt: clock.now())
        notify(state.withLock { $0.route(message) })
    }

    /// Moves the clock, then ends the sessions whose silence is over, as the core's supervision does.
    package func advance(by duration: Duration) {
        manualClock.advance(by: duration)
        let now = clock.now()
        let (closed, woken) = state.withLock { state in
            var closed: [FakeOwner] = []
            var woken: [FakeOwner] = []
            for session in state.sessions.values {
                guard let owner = session.owner, let silence = session.silence, session.lastHeard + silence <= now
                else {
                    continue
                }
                closed.append(owner)
                woken += state.detach(session, .lost)
            }
            return (closed, woken)
        }
        for owner in closed { owner.close(.silence) }
        notify(woken)
    }

    /// Ends a client's attachment from the core's side.
    package func close(_ clientID: String, _ reason: CloseReason) {
        let owner = state.withLock { state -> FakeOwner? in
            guard let session = state.sessions[ClientID(clientID)] else { return nil }
            defer { _ = state.detach(session, .shutdown) }
            return session.owner
        }
        owner?.close(reason)
    }

    // MARK: Broker

    package func connect(
        _ request: ConnectRequest, owner: any SessionOwner,
        completion: @escaping @Sendable (Result<Connected, ConnectRefusal>) -> Void
    ) {
        let owner = FakeOwner(owner: owner, number: request.clientNumber)
        let decide: @Sendable () -> Void = { [self] in completion(open(request, owner: owner)) }
        let isParked = state.withLock { state in
            state.parked?.append(decide)
            return state.parked != nil
        }
        if !isParked { decide() }
    }

    package func resumeSleeper(_ request: SleeperRequest, owner: any SessionOwner) -> ResumedSleeper? {
        state.withLock { state in
            guard let session = state.sessions[request.clientID], session.owner == nil, session.reachability == .asleep,
                let silence = request.silence
            else { return nil }
            state.nextAttachment += 1
            session.sleepOn(
                FakeOwner(owner: owner, number: request.clientNumber), number: state.nextAttachment, silence: silence)
            let attachment = FakeAttachment(
                broker: self, clientID: request.clientID, number: state.nextAttachment, registry: session.registry,
                principal: request.proven ?? Principal(kind: .anonymous, clientID: request.clientID))
            return ResumedSleeper(attachment: attachment, silentAt: session.lastHeard + silence)
        }
    }

    package func beginAuthentication(
        _ method: String, _ credentials: Credentials
    ) -> (any AuthenticationExchange)? {
        state.withLock { $0.exchanges[method] }?()
    }

    package func authenticate(
        _ credentials: Credentials, completion: @escaping @Sendable (Result<Principal, ConnectRefusal>) -> Void
    ) {
        if let refusal = state.withLock({ $0.refusal }) { return completion(.failure(refusal)) }
        completion(.success(Principal(kind: .anonymous, clientID: credentials.clientID)))
    }

    package func publish(
        _ messages: [Message], as principal: Principal, via listener: String, outcomes: inout [PublishOutcome]
    ) {
        let (results, woken) = state.withLock { $0.publish(messages) }
        outcomes += results
        notify(woken)
    }

    package func retainedMessage(of topic: TopicName, as principal: Principal) -> Message? {
        state.withLock { $0.retained[topic] }
    }

    package func retainedMessages(matching filter: TopicFilter, limit: Int, as principal: Principal) -> [Message] {
        state.withLock { state in Array(state.retained.values.filter { filter.matches($0.topic) }.prefix(limit)) }
    }

    /// The fake keeps the messages it is given, so it has nothing to ask.
    package func retain(by source: any RetainedSource) {}

    package func isCommitted(_ point: CommitPoint) -> Bool { state.withLock { $0.isCommitted(point) } }

    package func whenCommitted(_ point: CommitPoint, _ action: @escaping @Sendable () -> Void) {
        let isCommitted = state.withLock { state in
            guard !state.isCommitted(point) else { return true }
            state.commitActions.append(action)
            return false
        }
        if isCommitted { action() }
    }

    @discardableResult
    package func keep(_ value: [UInt8]?, as key: String, in area: KeptArea) -> CommitPoint {
        state.withLock { state in
            state.kept[area, default: [:]][key] = value
            return state.commitPoint()
        }
    }

    /// What is kept now, as another process would find it.
    package func takeKept(in area: KeptArea) -> [KeptItem] {
        state.withLock { ($0.kept[area] ?? [:]).map { KeptItem(key: $0.key, value: $0.value) } }
    }

    func notify(_ owners: [FakeOwner]) {
        for owner in owners { owner.wake() }
    }

    private func open(_ request: ConnectRequest, owner: FakeOwner) -> Result<Connected, ConnectRefusal> {
        guard let clientID = request.credentials.clientID else { return .failure(.badCredentials) }
        let now = clock.now()
        let (result, replaced) = state.withLock { state -> (Result<Connected, ConnectRefusal>, FakeOwner?) in
            state.connectRequests.append(request)
            if let refusal = state.refusal { return (.failure(refusal), nil) }
            let earlier = state.sessions[clientID]
            let replaced = earlier?.owner
            let session = request.options.cleanStart ? nil : earlier
            let present = session != nil
            let current = session ?? FakeSession(clientID: clientID, limit: limits.topicIDsPerSession)
            if request.options.cleanStart, earlier?.owner == nil { state.dropQueue(of: earlier) }
            state.sessions[clientID] = current
            state.nextAttachment += 1
            current.attach(owner, number: state.nextAttachment, options: request.options, now: now)
            let attachment = FakeAttachment(
                broker: self, clientID: clientID, number: state.nextAttachment, registry: current.registry,
                principal: request.proven ?? Principal(kind: .anonymous, clientID: clientID))
            let connected = Connected(attachment: attachment, sessionPresent: present, commit: state.commitPoint())
            return (.success(connected), replaced)
        }
        replaced?.close(.takenOver)
        return result
    }
}

extension FakeBroker.State {
    mutating func commitPoint() -> CommitPoint {
        guard commitsByHand else { return .none }
        lastCommit += 1
        return CommitPoint(sequence: lastCommit)
    }

    func isCommitted(_ point: CommitPoint) -> Bool { point.sequence <= committed }

    mutating func publish(_ messages: [Message]) -> (outcomes: [PublishOutcome], woken: [FakeOwner]) {
        var woken: [FakeOwner] = []
        let outcomes = messages.map { message -> PublishOutcome in
            if forbidden.contains(message.topic.string) { return .refused(.notAuthorized) }
            if let refusal = refusals[message.topic.string] { return .refused(refusal) }
            woken += route(message)
            return .accepted(receivers: receivers[message.topic.string, default: 0], commit: commitPoint())
        }
        return (outcomes, woken)
    }

    mutating func route(_ message: Message) -> [FakeOwner] {
        published.append(message)
        if message.retain { retained[message.topic] = message.payload.isEmpty ? nil : message }
        return sessions.values.compactMap { $0.receive(message) }
    }

    mutating func detach(_ session: FakeSession, _ reason: DetachReason, expiry: SessionExpiryChange? = nil)
        -> [FakeOwner]
    {
        let will = session.detach()
        if case .goodbye = reason { session.will = nil }
        let lifetime = expiry.map(\.expiry) ?? session.expiry
        if lifetime == .zero { sessions[session.clientID] = nil }
        guard reason == .lost || reason == .goodbyeWithWill, let will else { return [] }
        session.will = nil
        return route(
            Message(
                topic: will.topic, payload: will.payload, qos: will.qos, retain: will.retain,
                publishedAt: Timestamp(nanoseconds: 0)))
    }

    mutating func dropQueue(of session: FakeSession?) {
        session?.removeAll()
    }
}
