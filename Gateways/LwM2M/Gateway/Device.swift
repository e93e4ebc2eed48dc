import CoAP
import DequeModule
import Logging
import Messaging
import Synchronization

/// One registered device: its session with the broker on one side, its CoAP peer on the other, and the machine between.
///
/// Steps run on the CoAP thread, so they and their actions keep their order; the lock is never held across a call out.
/// The broker's calls, which come from any thread, only schedule.
final class Device: Sendable {
    /// How a registration ended without the device saying so.
    enum End: Sendable {
        /// Its lifetime passed without an Update.
        case expired
        /// The core ended the session's attachment.
        case closed(CloseReason)
    }

    private struct State {
        var machine: DeviceMachine
        var peer: CoAPPeer
        var attachment: (any Attachment)?
        /// When the registration ends unless it is renewed; `.never` without a lifetime.
        var expiresAt: Timestamp
        /// The command taken last, until it is settled.
        var delivery: Delivery?
        /// By the exchange they began in.
        var observations: [Int: CoAPObservation] = [:]
        var timerAt: Timestamp?
        /// What waits for the store, and for which point.
        var uncommitted: (point: CommitPoint, action: @Sendable () -> Void)?
        var isOver = false
    }

    let endpoint: String
    /// Second segment of the registration's path, `/rd/{location}`.
    let location: String
    private let context: GatewayContext
    private let state: Mutex<State>
    /// A wake-up is scheduled and has not run yet.
    private let isWoken = Atomic(false)
    /// Called on the CoAP thread, once.
    private let ended: @Sendable (Device, End) -> Void

    init(
        _ registration: Registration, peer: CoAPPeer, location: String, context: GatewayContext,
        ended: @escaping @Sendable (Device, End) -> Void
    ) {
        endpoint = registration.endpoint
        self.location = location
        self.context = context
        self.ended = ended
        let now = context.broker.clock.now()
        let machine = DeviceMachine(
            registration, model: context.model, settings: context.configuration.machine, now: now)
        state = Mutex(State(machine: machine, peer: peer, expiresAt: context.expiry(of: registration, from: now)))
    }

    var registration: Registration { state.withLock { $0.machine.registration } }
    var isOver: Bool { state.withLock { $0.isOver } }
    private var attachment: (any Attachment)? { state.withLock { $0.attachment } }
    private var now: Timestamp { context.broker.clock.now() }
}

// MARK: - Registration

extension Device {
    /// The broker has let the device in: subscribe to its commands and say that it is there.
    /// - Returns: the point at which the subscriptions are stored.
    func open(_ attachment: any Attachment) -> CommitPoint {
        let peer = state.withLock { state in
            state.attachment = attachment
            return state.peer
        }
        context.server.pin(peer)
        // A retained command would be carried out at every registration, a restart loop with Reboot. Commands are events.
        let subscriptions = CommandTopic.filters(endpoint: endpoint).compactMap { try? TopicFilter($0) }
            .map { Subscription(filter: $0, qos: .atLeastOnce, retainHandling: .doNotSend) }
        let (outcomes, commit) = attachment.subscribe(subscriptions)
        if outcomes.contains(where: { if case .refused = $0 { true } else { false } }) {
            context.logger.warning("a device may not receive all of its commands", [.endpoint: endpoint])
        }
        announce(registration.status(reason: "registered"), event: "registered")
        return commit
    }

    /// Begins to work. `earlier` is the registration this one replaces.
    func start(continuing earlier: Device?) {
        let inherited = earlier?.state.withLock { $0.machine }
        earlier?.giveWay()
        step { $0.start(continuing: inherited) }
    }

    /// An Update that has been checked.
    func update(_ registration: Registration, from peer: CoAPPeer) {
        let now = now
        let (earlier, changed) = state.withLock { state in
            state.expiresAt = context.expiry(of: registration, from: now)
            defer { state.peer = peer }
            return (state.peer, state.machine.registration != registration)
        }
        let moved = earlier != peer
        if moved {
            context.server.pin(peer)
            context.server.unpin(earlier)
        }
        if changed {
            announce(registration.status(reason: "updated"), event: "updated")
        } else {
            announce(event: "updated")
        }
        step { $0.update(registration, movedAddress: moved, now: now) }
    }

    /// Ends the registration and, with it, the session: what waits for the device is answered, not forgotten.
    func end(reason: String) {
        finish()
        while let (delivery, attachment) = takeDelivery() {
            report(Report(refused: delivery.message.topic.string, .notRegistered), to: delivery, from: attachment)
            attachment.discard(delivery, reason: .notApplicable)
        }
        announce(Registration.offline(reason: reason), event: reason)
        close(.goodbye, expiry: SessionExpiryChange(.zero))
    }

    /// The gateway stops: the session stays for as long as the registration would have, so that commands survive.
    func suspend() {
        announce(Registration.offline(reason: "shutdown"), event: "shutdown")
        let expiresAt = state.withLock { $0.expiresAt }
        close(.shutdown, expiry: SessionExpiryChange(expiresAt == .never ? nil : max(.zero, expiresAt.since(now))))
    }

    /// The core has ended the attachment for a reason of its own.
    func abandon(_ reason: CloseReason) {
        finish()
        announce(Registration.offline(reason: reason.word), event: reason.word)
        close(.lost, expiry: nil)
    }

    /// A newer registration of the same endpoint has taken over the session.
    private func giveWay() {
        // A command on the way at QoS 1 comes again through the new attachment; at QoS 0 it has to be reported now.
        let comesAgain = state.withLock { $0.delivery.map { $0.qos != .atMostOnce } ?? true }
        finish(reporting: !comesAgain)
        close(.lost, expiry: nil)
    }

    /// Ends exchanges and observations.
    private func finish(reporting: Bool = true) {
        let actions = state.withLock { state -> [DeviceMachine.Action] in
            guard !state.isOver else { return [] }
            state.isOver = true
            return state.machine.end(reporting: reporting)
        }
        perform(actions)
    }

    private func close(_ reason: DetachReason, expiry: SessionExpiryChange?) {
        let (attachment, peer) = state.withLock { state in
            state.isOver = true
            defer { state.attachment = nil }
            return (state.attachment, state.peer)
        }
        guard let attachment else { return }
        attachment.detach(reason, expiry: expiry)
        context.server.unpin(peer)
    }

    /// Publishes the retained status, if it changed, and the event.
    private func announce(_ status: JSON? = nil, event: String) {
        if let status { context.publisher.publish(CommandTopic.status(endpoint), status, retain: true) }
        context.publisher.publish(CommandTopic.event(endpoint), .object(["event": .string(event)]))
    }

    /// Does `action` once everything up to `point` is stored.
    func whenCommitted(_ point: CommitPoint, _ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.uncommitted = (point, action) }
        if attachment?.wakeWhenCommitted(point) != false { runCommitted() }
    }

    private func runCommitted() {
        let action = state.withLock { state -> (@Sendable () -> Void)? in
            guard let waiting = state.uncommitted, context.broker.isCommitted(waiting.point) else { return nil }
            state.uncommitted = nil
            return waiting.action
        }
        action?()
    }
}

// MARK: - The broker's side

extension Device: SessionOwner {
    func wake() {
        guard !isWoken.exchange(true, ordering: .acquiringAndReleasing) else { return }
        context.server.perform { [weak self] in
            guard let self else { return }
            isWoken.store(false, ordering: .releasing)
            runCommitted()
            step { $0.proceed() }
        }
    }

    func close(_ reason: CloseReason) {
        context.server.perform { [self] in
            guard !isOver else { return }
            ended(self, .closed(reason))
        }
    }
}

extension CloseReason {
    /// As in the device's status.
    fileprivate var word: String {
        switch self {
        case .takenOver: "taken_over"
        case .silence: "silence"
        case .administrative: "administrative"
        case .shutdown: "shutdown"
        }
    }
}

// MARK: - Steps

extension Device {
    private func step(_ body: (inout DeviceMachine) -> [DeviceMachine.Action]) {
        perform(state.withLock { $0.isOver ? [] : body(&$0.machine) })
        armTimer()
    }

    private func perform(_ actions: [DeviceMachine.Action]) {
        var waiting = Deque(actions)
        var values: [Message] = []
        while let action = waiting.popFirst() {
            if case .value(let path, let value) = action {
                values += valueMessage(path, value)
                continue
            }
            publish(&values)
            if action == .take { waiting.append(contentsOf: takeCommand()) } else { perform(action) }
        }
        publish(&values)
    }

    private func perform(_ action: DeviceMachine.Action) {
        switch action {
        case .send(let exchange, let request): send(request, exchange)
        case .observe(let exchange, let request): observe(request, exchange)
        case .forget(let observation):
            if let observation = takeObservation(observation) { context.server.cancel(observation) }
        case .deregister(let exchange, let observation): deregister(observation, exchange)
        case .settle(let answered): settle(answered: answered)
        case .report(let report, let toRequester):
            let (delivery, attachment) = state.withLock { ($0.delivery, $0.attachment) }
            self.report(report, to: toRequester ? delivery : nil, from: attachment)
        case .event(let event): context.publisher.publish(CommandTopic.event(endpoint), event)
        case .supervise(let reachability): attachment?.supervise(reachability, silence: nil)
        case .take, .value: preconditionFailure("handled in order by the loop above")
        }
    }

    // MARK: Commands

    private func takeDelivery() -> (Delivery, any Attachment)? {
        guard let attachment else { return nil }
        var deliveries: [Delivery] = []
        _ = attachment.take(1, into: &deliveries)
        return deliveries.first.map { ($0, attachment) }
    }

    private func takeCommand() -> [DeviceMachine.Action] {
        guard let (delivery, attachment) = takeDelivery() else { return [] }
        context.statistics.commands.add()
        let message = delivery.message
        do throws(CommandError) {
            guard let topic = CommandTopic(message.topic.string) else { throw .badTopic }
            let operation = try Operation(
                topic, payload: message.payload, model: context.model, limits: context.configuration.limits)
            return state.withLock { state in
                state.delivery = delivery
                return state.machine.handle(command: operation, isRepeated: delivery.isDuplicate)
            }
        } catch {
            context.statistics.commandsRefused.add()
            report(Report(refused: message.topic.string, error), to: delivery, from: attachment)
            attachment.discard(delivery, reason: .notApplicable)
            return [.take]
        }
    }

    private func settle(answered: Bool) {
        let (delivery, attachment) = state.withLock { state in
            defer { state.delivery = nil }
            return (state.delivery, state.attachment)
        }
        guard let delivery, delivery.qos != .atMostOnce else { return }
        _ = attachment?.settle(packetID: delivery.packetID, answered ? .acknowledged : .refused)
    }

    private func report(_ report: Report, to delivery: Delivery?, from attachment: (any Attachment)?) {
        context.logger.debug(
            "command done",
            [.endpoint: endpoint, .operation: report.operation, .path: report.path, .code: report.code])
        context.publisher.publish(CommandTopic.report(endpoint), report.json)
        if let delivery, let attachment { context.publisher.reply(report, to: delivery.message, from: attachment) }
    }

    // MARK: Values

    private func valueMessage(_ path: ObjectPath, _ value: JSON?) -> [Message] {
        let message = context.publisher.message(
            CommandTopic.value(endpoint, path), value, retain: true, publisher: attachment?.clientID)
        return message.map { [$0] } ?? []
    }

    private func publish(_ values: inout [Message]) {
        if let attachment { context.publisher.publish(values, from: attachment) }
        values.removeAll()
    }

    // MARK: Requests

    private func send(_ request: CoAPOutgoingRequest, _ exchange: Int) {
        context.server.send(request, to: state.withLock { $0.peer }, timeout: context.configuration.requestTimeout) {
            [weak self] outcome in self?.receive(outcome, exchange)
        }
    }

    private func receive(_ outcome: CoAPOutcome, _ exchange: Int) {
        let now = now
        step { $0.handle(outcome: outcome, of: exchange, now: now) }
    }

    private func observe(_ request: CoAPOutgoingRequest, _ exchange: Int) {
        let peer = state.withLock { $0.peer }
        let observation = context.server.observe(request, on: peer, timeout: context.configuration.requestTimeout) {
            [weak self] event in self?.observed(event, exchange)
        }
        state.withLock { $0.observations[exchange] = observation }
    }

    private func observed(_ event: CoAPObservationEvent, _ exchange: Int) {
        let now = now
        switch event {
        case .answered(let response):
            step { $0.handle(outcome: .response(response), of: exchange, now: now) }
        case .notified(let response):
            context.statistics.notifications.add()
            step { $0.handle(notification: response, of: exchange, now: now) }
        case .ended(let outcome):
            _ = takeObservation(exchange)
            step { $0.handle(ended: outcome, of: exchange, now: now) }
        }
    }

    private func deregister(_ observation: Int, _ exchange: Int) {
        guard let observation = takeObservation(observation) else { return receive(.gone, exchange) }
        context.server.deregister(observation, timeout: context.configuration.requestTimeout) {
            [weak self] outcome in self?.receive(outcome, exchange)
        }
    }

    private func takeObservation(_ exchange: Int) -> CoAPObservation? {
        state.withLock { $0.observations.removeValue(forKey: exchange) }
    }
}

// MARK: - Time

extension Device {
    /// Schedules the next look at the clock. A timer that has become too early looks again and re-arms.
    func armTimer() {
        let now = now
        let delay = state.withLock { state -> (at: Timestamp, after: Duration)? in
            let next = min(state.expiresAt, state.machine.deadline ?? .never)
            guard !state.isOver, next != .never, state.timerAt.map({ next < $0 }) ?? true else { return nil }
            state.timerAt = next
            return (next, max(.zero, next.since(now)))
        }
        guard let delay else { return }
        context.server.perform(after: delay.after) { [weak self] in self?.timerFired(delay.at) }
    }

    private func timerFired(_ at: Timestamp) {
        let isCurrent = state.withLock { state in
            guard state.timerAt == at else { return false }
            state.timerAt = nil
            return true
        }
        if isCurrent { tick() }
    }

    private func tick() {
        let now = now
        let isExpired = state.withLock { !$0.isOver && $0.expiresAt <= now }
        if isExpired {
            ended(self, .expired)
        } else {
            step { $0.tick(now) }
        }
    }
}
