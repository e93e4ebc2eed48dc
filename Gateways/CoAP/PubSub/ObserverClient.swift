import Messaging
import Synchronization

/// One client that observes: its session with the broker, and its observations.
///
///     connecting ── refused ──▶ over
///         │ connected
///         ▼
///     attached: wake ─▶ take one ─▶ notify every observation it is for ─▶ all acknowledged ─▶ settle ─▶ take the next
///         │ last observation gone, or ended by the core
///         ▼
///       over
///
/// One delivery is on the way at a time, so order is kept and no observation has two notifications outstanding (RFC 7641,
/// 4.5.1). What arrives meanwhile waits in the mailbox, under its limits and its accounts.
///
/// Everything happens on the CoAP thread except `wake` and `close`, which only leave a note there.
final class ObserverClient: SessionOwner {
    /// An observation that is to begin as soon as the session is there.
    struct Registration: Sendable {
        let request: CoAPRequest
        let filter: TopicFilter
        let qos: QoS
        /// Who asks for it; must be who opened the session.
        let principal: Principal
        let responder: CoAPResponder
    }

    private enum Phase {
        case connecting([Registration])
        case attached(any Attachment)
        case over
    }

    private struct OnTheWay {
        let delivery: Delivery
        var outstanding: Int
        var arrived = 0
    }

    private struct State {
        var phase = Phase.connecting([])
        var table = ObservationTable()
        var onTheWay: OnTheWay?
        var lastRegistration: UInt64 = 0
    }

    let clientID: ClientID
    private let server: CoAPServer
    private let broker: any Broker
    private let ended: @Sendable (ObserverClient) -> Void
    private let state = Mutex(State())

    /// Registrations that may wait for the session.
    private static let waitingRegistrations = 64
    /// Messages sent in a row before others get their turn.
    private static let burst = 64

    /// - Parameter ended: called once, when the client has no observation left or its session is over.
    init(
        clientID: ClientID, server: CoAPServer, broker: any Broker, ended: @escaping @Sendable (ObserverClient) -> Void
    ) {
        self.clientID = clientID
        self.server = server
        self.broker = broker
        self.ended = ended
    }

    /// Opens the session. It ends with the last observation, so it needs no expiry.
    func connect(_ credentials: Credentials) {
        let request = ConnectRequest(
            credentials: credentials,
            options: SessionOptions(cleanStart: true, expiry: .zero, receiveMaximum: 1))
        server.call { [self] completion in
            broker.connect(request, owner: self, completion: completion)
        } then: { [self] result in
            connected(result)
        }
    }

    /// Begins an observation, now or when the session is there.
    func observe(_ registration: Registration) {
        enum Step {
            case wait
            case begin(any Attachment)
            case refuse
        }
        let step = state.withLock { state -> Step in
            switch state.phase {
            case .connecting(var waiting):
                guard waiting.count < Self.waitingRegistrations else { return .refuse }
                waiting.append(registration)
                state.phase = .connecting(waiting)
                return .wait
            case .attached(let attachment): return .begin(attachment)
            case .over: return .refuse
            }
        }
        switch step {
        case .wait: break
        case .begin(let attachment): begin(registration, attachment)
        case .refuse: registration.responder.answer(Refusal.busy("the session is just ending"))
        }
    }

    // MARK: SessionOwner

    func wake(_ client: UInt64) { server.perform { [self] in pump() } }

    func close(_ client: UInt64, _ reason: CloseReason) {
        server.perform { [self] in end(last: Refusal.response(reason), detaching: nil) }
    }

    // MARK: Beginning

    private func connected(_ result: Result<Connected, ConnectRefusal>) {
        let waiting = state.withLock { state -> [Registration] in
            guard case .connecting(let waiting) = state.phase else { return [] }
            switch result {
            case .success(let connected): state.phase = .attached(connected.attachment)
            case .failure: state.phase = .over
            }
            return waiting
        }
        switch result {
        case .success(let connected):
            for registration in waiting { begin(registration, connected.attachment) }
            endIfIdle()
        case .failure(let refusal):
            for registration in waiting { registration.responder.answer(Refusal.response(refusal)) }
            ended(self)
        }
    }

    private func begin(_ registration: Registration, _ attachment: any Attachment) {
        let request = registration.request
        // A session carries the rights of who opened it, so nobody else may join it.
        guard registration.principal.kind == attachment.principal.kind else {
            return registration.responder.answer(.error(.forbidden, "this clientid is in use by somebody else"))
        }
        let (entry, changes) = state.withLock { state in
            state.lastRegistration += 1
            let entry = ObservationTable.Entry(
                observer: request.observer, filter: registration.filter, qos: registration.qos, accept: request.accept,
                registration: state.lastRegistration)
            return (entry, state.table.add(entry))
        }
        for change in changes {
            guard let refusal = apply(change, attachment) else { continue }
            registration.responder.answer(Refusal.response(refusal, for: attachment.principal))
            observationEnded(entry)
            return
        }
        let answer = firstAnswer(entry, request, attachment.principal)
        guard answer.code.isSuccess else {
            registration.responder.answer(answer)
            observationEnded(entry)
            return
        }
        registration.responder.answerObserving(answer) { [self] _ in observationEnded(entry) }
    }

    /// The session lives no longer than the client's observations, so there is no commit to wait for.
    private func apply(_ change: ObservationTable.Change, _ attachment: any Attachment) -> SubscribeRefusal? {
        switch change {
        case .none: return nil
        case .unsubscribe(let filter):
            _ = attachment.unsubscribe([filter])
            return nil
        case .subscribe(let subscription):
            guard case .refused(let refusal) = attachment.subscribe([subscription]).outcomes.first else { return nil }
            return refusal
        }
    }

    /// The value of the topic as it is, if it has one (RFC 7641, 4.1); else nothing, which is no error: the value may come.
    private func firstAnswer(
        _ entry: ObservationTable.Entry, _ request: CoAPRequest, _ principal: Principal
    ) -> CoAPResponse {
        guard let topic = entry.filter.topicName, let message = broker.retainedMessage(of: topic, as: principal) else {
            return CoAPResponse(.content)
        }
        return RetainedReader.answer(message, to: request, now: broker.clock.now())
    }

    // MARK: Delivering

    private func pump() {
        for _ in 0..<Self.burst {
            guard let (delivery, attachment) = takeOne() else { return }
            send(delivery, attachment)
        }
        server.perform { [self] in pump() }
    }

    /// The next delivery, unless one is on the way.
    private func takeOne() -> (Delivery, any Attachment)? {
        let attachment = state.withLock { state -> (any Attachment)? in
            guard case .attached(let attachment) = state.phase, state.onTheWay == nil else { return nil }
            return attachment
        }
        guard let attachment else { return nil }
        var deliveries: [Delivery] = []
        _ = attachment.take(1, into: &deliveries)
        return deliveries.first.map { ($0, attachment) }
    }

    private func send(_ delivery: Delivery, _ attachment: any Attachment) {
        let entries = state.withLock { state in
            let entries = state.table.matching(delivery)
            if !entries.isEmpty { state.onTheWay = OnTheWay(delivery: delivery, outstanding: entries.count) }
            return entries
        }
        // The observation ended while the message was in the mailbox.
        guard !entries.isEmpty else { return attachment.discard(delivery, reason: .sessionEnded) }
        for entry in entries { notify(entry, delivery) }
    }

    private func notify(_ entry: ObservationTable.Entry, _ delivery: Delivery) {
        // RFC 7641, 4.2: a representation the client did not ask for ends the observation with 4.06.
        let response =
            Representation.isAcceptable(delivery.message, entry.accept)
            ? Representation.notification(of: delivery.message, namesTopic: entry.filter.topicName == nil)
            : .error(.notAcceptable, "the topic now has another content format")
        server.notify(
            entry.observer, response, confirmable: min(delivery.qos, entry.qos) > .atMostOnce
        ) { [self] outcome in
            notified(outcome == .delivered && response.code.isSuccess)
        }
    }

    private func notified(_ hasArrived: Bool) {
        let (done, attachment) = state.withLock { state -> (OnTheWay?, (any Attachment)?) in
            state.onTheWay?.outstanding -= 1
            if hasArrived { state.onTheWay?.arrived += 1 }
            guard let onTheWay = state.onTheWay, onTheWay.outstanding == 0 else { return (nil, nil) }
            state.onTheWay = nil
            guard case .attached(let attachment) = state.phase else { return (nil, nil) }
            return (onTheWay, attachment)
        }
        guard let done, let attachment else { return }
        settle(done, attachment)
        server.perform { [self] in pump() }
    }

    private func settle(_ done: OnTheWay, _ attachment: any Attachment) {
        let packetID = done.delivery.packetID
        guard packetID != 0 else { return }
        guard done.arrived > 0 else {
            _ = attachment.settle(packetID: packetID, .refused)
            return
        }
        // CoAP has one step; an exactly-once delivery takes its two at once.
        if done.delivery.qos == .exactlyOnce {
            _ = attachment.settle(packetID: packetID, .received)
            _ = attachment.settle(packetID: packetID, .completed)
        } else {
            _ = attachment.settle(packetID: packetID, .acknowledged)
        }
    }

    // MARK: Ending

    /// Whatever ended it: the client, a reset, silence, or we.
    private func observationEnded(_ entry: ObservationTable.Entry) {
        let (change, attachment) = state.withLock { state -> (ObservationTable.Change, (any Attachment)?) in
            let change = state.table.remove(entry.observer, registration: entry.registration)
            guard case .attached(let attachment) = state.phase else { return (change, nil) }
            return (change, attachment)
        }
        if let attachment { _ = apply(change, attachment) }
        endIfIdle()
    }

    private func endIfIdle() {
        let attachment = state.withLock { state -> (any Attachment)? in
            guard case .attached(let attachment) = state.phase, state.table.isEmpty else { return nil }
            return attachment
        }
        guard let attachment else { return }
        end(last: nil, detaching: attachment)
    }

    /// - Parameter attachment: the session to leave; nil when the core has ended it already.
    private func end(last: CoAPResponse?, detaching attachment: (any Attachment)?) {
        let observers = state.withLock { state -> [CoAPObserver]? in
            if case .over = state.phase { return nil }
            state.phase = .over
            state.onTheWay = nil
            return state.table.observers
        }
        guard let observers else { return }
        for observer in observers { server.endObservation(observer, last: last) }
        attachment?.detach(.goodbye, expiry: nil)
        ended(self)
    }
}
