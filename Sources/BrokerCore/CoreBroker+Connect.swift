package import Messaging
import Synchronization

extension CoreBroker {
    package func connect(
        _ request: ConnectRequest, owner: any SessionOwner,
        completion: @escaping @Sendable (Result<Connected, ConnectRefusal>) -> Void
    ) {
        let version = accessVersion.load(ordering: .sequentiallyConsistent)
        identify(request) { [self] result in
            switch result.flatMap({ attach(request, principal: $0, owner: owner) }) {
            case .failure(let refusal):
                completion(.failure(refusal))
            case .success(let (connected, wake)):
                completion(.success(connected))
                wake?.wake()
                guard let attachment = connected.attachment as? SessionAttachment else { return }
                if !features.autoSubscriptions.isEmpty { autoSubscribe(attachment, at: request.credentials.peer) }
                // Rights changed while the client came in: `recheckAccess` may have missed it.
                if accessVersion.load(ordering: .sequentiallyConsistent) != version { recheck(attachment.session) }
            }
        }
    }

    private func identify(
        _ request: ConnectRequest, completion: @escaping @Sendable (Result<Principal, ConnectRefusal>) -> Void
    ) {
        guard let proven = request.proven else { return authenticate(request.credentials, completion: completion) }
        guard !isStopping else { return completion(.failure(.shuttingDown)) }
        // The rights may have changed since the last step of the exchange.
        completion(stillHolds(proven) ? .success(proven) : .failure(.badCredentials))
    }

    private typealias Attached = (connected: Connected, wake: SessionAttachment?)

    /// What attaching leaves to do once no lock is held.
    private struct Afterwards {
        var displaced: SessionAttachment?
        /// The displaced connection counts as continued, not as broken (`SessionOptions.replacesQuietly`).
        var isQuiet = false
        var wills: [(Will, Principal)] = []
        var relieved: [SessionAttachment] = []
        var receiver: Session?
        /// Owners of mailboxes that got what was left of a shared subscription.
        var wakes: [SessionAttachment] = []
        /// Subscriptions of the receiver that its new owner has no right to.
        var ended: [TopicFilter] = []
    }

    private func attach(
        _ request: ConnectRequest, principal: Principal, owner: any SessionOwner
    ) -> Result<Attached, ConnectRefusal> {
        guard let clientID = principal.clientID ?? request.credentials.clientID else { return .failure(.notAuthorized) }
        var afterwards = Afterwards()
        afterwards.isQuiet = request.options.replacesQuietly
        // A failing store cannot keep a new session; one it has already may go on.
        let mayCreate = request.options.expiry == .zero || store?.isFailing != true
        let result: Result<Attached, ConnectRefusal> = endingSessions(&afterwards) { table, afterwards in
            // MQTT-3.1.3-2, MQTT-3.1.2-5, MQTT-3.1.2-6
            var existing = table[clientID]
            // MQTT-3.1.2-4, MQTT-3.1.4-4
            if let session = existing, request.options.cleanStart || endsByTakeover(session, request.options) {
                end(session, in: &table, &afterwards)
                existing = nil
            }
            guard existing != nil || mayCreate else { return .failure(.unavailable) }
            guard existing != nil || table.count < limits.sessions else { return .failure(.quotaExceeded) }
            // Somebody else than the one who left the session gets of it only what he may have.
            if let existing, existing.state.withLock({ $0.principal.kind }) != principal.kind {
                afterwards.ended = recheckRights(of: existing, as: principal, resumes: true)
                afterwards.receiver = existing
            }
            let session = existing ?? create(clientID, principal: principal, in: &table)
            return .success(
                attach(
                    session, request.options, principal, request.credentials.peer.listener, owner, request.clientNumber,
                    sessionPresent: existing != nil, &afterwards))
        }
        perform(afterwards)
        switch result {
        case .success(let (connected, _)):
            if let attachment = connected.attachment as? SessionAttachment { watchSilence(of: attachment) }
            events.record(.connected(clientID, request.credentials.peer, sessionPresent: connected.sessionPresent))
        case .failure(let refusal):
            events.record(.refused(clientID, request.credentials.peer, refusal))
        }
        return result
    }

    /// A session without expiry ends with its connection, also when it is another that ends it (MQTT 5.0, 3.1.2.11.2 and 3.1.4; MQTT
    /// 3.1.1, MQTT-3.1.2-6). In MQTT-SN a client that connects anew goes on with the connection it had.
    private func endsByTakeover(_ session: Session, _ options: SessionOptions) -> Bool {
        !options.replacesQuietly && session.state.withLock { $0.attachment != nil && $0.expiry == .zero }
    }

    private func create(_ clientID: ClientID, principal: Principal, in table: inout SessionTable) -> Session {
        let number = table.nextNumber()
        let session = routing.write { routing in
            let session = Session(
                clientID: clientID, subscriber: routing.reserve(), number: number,
                state: SessionState(principal: principal))
            routing.place(session)
            return session
        }
        table[clientID] = session
        return session
    }

    private func attach(
        _ session: Session, _ options: SessionOptions, _ principal: Principal, _ listener: String,
        _ owner: any SessionOwner, _ clientNumber: UInt64, sessionPresent: Bool, _ afterwards: inout Afterwards
    ) -> Attached {
        let listenerLevel = durability.listeners[listener]
        let becomesDurable =
            options.expiry != .zero && (listenerLevel ?? durability.general) != .memory
            && !session.isDurable.load(ordering: .relaxed)
        let subscriptions =
            becomesDurable && sessionPresent ? routing.read { $0.index.subscriptions(of: session.subscriber) } : []
        return session.state.withLock { state in
            displace(session, &state, &afterwards)
            state.epoch &+= 1
            state.reachability = .awake
            state.isArmed = true
            state.expiry = boundedExpiry(options.expiry)
            state.silentAt = .never
            if !(options.keepsWill && options.will == nil) { state.will = options.will }  // MQTT-3.1.2-7
            state.queuesQoS0WhileDetached = options.queuesQoS0WhileDetached
            state.mailboxTerms = options.mailboxTerms
            if options.mailboxTerms?.limits.policy == .rejectPublisher { mayRefuse.store(true, ordering: .relaxed) }
            state.mailbox.reconnect(
                receiveMaximum: max(1, options.receiveMaximum),
                octetsOnTheWay: (options.mailboxTerms?.limits ?? limits.mailbox).octets,
                forgetsSent: state.expiry == .zero && !options.repeatsDeliveries)
            let attachment = SessionAttachment(
                session: session, epoch: state.epoch, owner: owner, number: clientNumber, principal: principal,
                broker: self,
                silence: options.silence, durability: listenerLevel, traffic: traffic[listener])
            state.attachment = attachment
            session.isListening.store(true, ordering: .relaxed)
            if let recording, becomesDurable { makeDurable(session, &state, subscriptions, recording) }
            let commit = record(session, &state)
            return (
                Connected(
                    // What the store knows of this session is enough for it to go on, should the store be failing.
                    attachment: attachment, sessionPresent: sessionPresent,
                    commit: store?.isFailing == true ? .none : commit), state.ownerToWake()
            )
        }
    }

    /// From now on the session outlives the process, with everything it has.
    private func makeDurable(
        _ session: Session, _ state: inout SessionState, _ subscriptions: [Subscription], _ target: Recorder.Target
    ) {
        session.isDurable.store(true, ordering: .relaxed)
        state.mailbox.record(with: Recorder(number: session.number, target: target))
        recordBelongings(of: session, &state, subscriptions)
    }

    /// Writes what a session has besides its record and its queue to the store, when it is durable.
    func recordBelongings(of session: Session, _ state: inout SessionState, _ subscriptions: [Subscription]) {
        for subscription in subscriptions {
            state.mailbox.recorder?.append(.putSubscription(session.number, subscription))
        }
        for packetID in state.recordedReceiving {
            state.mailbox.recorder?.append(.putReceiving(session.number, packetID: packetID))
        }
        for (id, topic, known) in state.topicIDs.all {
            state.mailbox.recorder?.append(.putTopicID(session.number, id: id, topic: topic, known: known))
        }
    }

    /// Runs `body` on the sessions table, then publishes the wills that the ends of sessions left; the store gets all or nothing.
    private func endingSessions<Result>(
        _ afterwards: inout Afterwards, _ body: (inout SessionTable, inout Afterwards) -> Result
    ) -> Result {
        together {
            let result = sessions.withLock { body(&$0, &afterwards) }
            for (will, principal) in afterwards.wills { publish(will, as: principal) }
            return result
        }
    }

    /// Ends the attachment a session has, if any, because another connection comes (MQTT-3.1.4-3). Its will is published
    /// unless it has a delay, as the new connection comes before the delay is over (MQTT 5.0, 3.1.3.2.2).
    private func displace(_ session: Session, _ state: inout SessionState, _ afterwards: inout Afterwards) {
        afterwards.receiver = session
        afterwards.relieved = state.takeHeldBack()
        guard let displaced = state.attachment else { return }
        afterwards.displaced = displaced
        state.attachment = nil
        if let will = state.will, will.delay == .zero, !afterwards.isQuiet {
            afterwards.wills.append((will, state.principal))
        }
    }

    /// Ends a session for good: its will is due at once (MQTT-3.1.2-8), its mailbox is accounted for as dropped.
    private func end(_ session: Session, in table: inout SessionTable, _ afterwards: inout Afterwards) {
        let groups = routing.write { routing in
            defer { routing.remove(session) }
            return routing.index.groupsWithOthers(than: session.subscriber)
        }
        let orphans = session.state.withLock { state in
            let wasDetached = state.attachment == nil
            let will = state.will
            displace(session, &state, &afterwards)
            if let will, wasDetached ? state.willDueAt != .never : will.delay != .zero && !afterwards.isQuiet {
                afterwards.wills.append((will, state.principal))
            }
            state.will = nil
            state.hasEnded = true
            state.epoch &+= 1
            session.isListening.store(false, ordering: .relaxed)
            state.mailbox.recorder?.append(.removeSession(session.number))
            state.mailbox.recorder = nil
            let orphans = state.mailbox.removeOrphans(of: groups)
            state.mailbox.clear()
            table.departed += state.mailbox.account
            return orphans
        }
        table[session.clientID] = nil
        table.departed += redeliver(orphans, wakes: &afterwards.wakes)
    }

    private func perform(_ afterwards: Afterwards) {
        for attachment in afterwards.wakes { attachment.wake() }
        if let receiver = afterwards.receiver {
            for publisher in afterwards.relieved { publisher.relieve(from: receiver) }
            for filter in afterwards.ended { events.record(.subscriptionEnded(receiver.clientID, filter)) }
        }
        if let displaced = afterwards.displaced {
            events.record(.closed(displaced.clientID, .takenOver))
            displaced.close(.takenOver)
        }
    }

    private func boundedExpiry(_ expiry: Duration?) -> Duration? {
        guard let bound = limits.sessionExpiry else { return expiry }
        return expiry.map { min($0, bound) } ?? bound
    }

    /// Writes the session's record to the store when it is durable.
    @discardableResult
    func record(_ session: Session, _ state: inout SessionState) -> CommitPoint {
        guard state.mailbox.recorder != nil else { return .none }
        let record = state.record(number: session.number, clientID: session.clientID, clock: clock)
        return state.mailbox.recorder?.append(.putSession(record)) ?? .none
    }

    // MARK: Leaving

    func detach(_ attachment: SessionAttachment, reason: DetachReason, expiry: SessionExpiryChange?) {
        if release(attachment, reason: reason, expiry: expiry) {
            events.record(.disconnected(attachment.clientID, reason))
        }
    }

    /// Detaches without a word to the owner.
    /// - Returns: false when the attachment is not the current one any more.
    func release(_ attachment: SessionAttachment, reason: DetachReason, expiry: SessionExpiryChange?) -> Bool {
        let session = attachment.session
        let now = clock.now()
        var relieved: [SessionAttachment] = []
        var due: (expiresAt: Timestamp, willDueAt: Timestamp)?
        attachment.withState { state in
            state.attachment = nil
            session.isListening.store(false, ordering: .relaxed)
            relieved = state.takeHeldBack()
            if let expiry { state.expiry = boundedExpiry(expiry.expiry) }
            state.expiresAt = state.expiry.map { now + $0 } ?? .never
            // Whoever sleeps through a restart has until its deadline to wake.
            if reason != .shutdown || state.reachability != .asleep { state.silentAt = .never }
            switch reason {
            case .goodbye: state.will = nil  // MQTT-3.14.4-3
            case .goodbyeWithWill, .lost:
                state.willDueAt = state.will.map { min(now + $0.delay, state.expiresAt) } ?? .never
            case .shutdown: break
            }
            record(session, &state)
            due = (state.expiresAt, state.willDueAt)
        }
        guard let due else { return false }
        for publisher in relieved { publisher.relieve(from: session) }
        deadlines.withLock { queue in
            queue.insert(.session(session), at: due.expiresAt)
            queue.insert(.will(session), at: due.willDueAt)
        }
        // What is due now need not wait for the next tick.
        if due.willDueAt <= now { publishDueWill(of: session) }
        if due.expiresAt <= now { endIfExpired(session) }
        return true
    }

    /// Ends a session whose time has come (MQTT-4.1.0-2), never one that is connected (MQTT-4.1.0-1).
    func endIfExpired(_ session: Session) {
        var afterwards = Afterwards()
        let ended = endingSessions(&afterwards) { table, afterwards in
            let isDue = session.state.withLock { state in
                !state.hasEnded && state.attachment == nil && state.expiresAt <= clock.now()
            }
            guard isDue, table[session.clientID] === session else { return false }
            end(session, in: &table, &afterwards)
            return true
        }
        guard ended else { return }
        perform(afterwards)
        events.record(.sessionExpired(session.clientID))
    }

    /// Publishes the will of a detached session when it is due, once (MQTT-3.1.2-10), unless its client is back (MQTT-3.1.3-9).
    func publishDueWill(of session: Session) {
        let topic: TopicName? = together {
            let will: (Will, Principal)? = session.state.withLock { state in
                guard state.attachment == nil, state.willDueAt <= clock.now(), let will = state.will else {
                    return nil  // MQTT 3.1.1, MQTT-3.1.2-12
                }
                state.will = nil
                state.willDueAt = .never
                record(session, &state)
                return (will, state.principal)
            }
            guard let (will, principal) = will else { return nil }
            publish(will, as: principal)
            return will.topic
        }
        if let topic { events.record(.willPublished(session.clientID, topic)) }
    }

    /// Inside a group.
    private func publish(_ will: Will, as principal: Principal) {
        let now = clock.now()
        let message = Message(
            // MQTT-3.1.2-14, MQTT-3.1.2-15
            topic: will.topic, payload: will.payload, qos: will.qos, retain: will.retain, publishedAt: now,
            expiresAt: will.messageExpiry.map { now + $0 } ?? .never, publisher: principal.clientID,
            properties: will.properties)
        var outcomes: [PublishOutcome] = []
        var batch = MessageBatch([message])
        routeInGroup(&batch, as: principal, publisher: nil, outcomes: &outcomes)
    }
}
