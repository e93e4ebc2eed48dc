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

    struct State {
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
        /// The observations the store knows of.
        var keptPaths: Set<ObjectPath> = []
        var isOver = false
        /// The core has ended the attachment; what is to be done about it may still be waiting for its turn.
        var isClosed = false

        /// What is observed is not what the store knows.
        var hasOtherPaths: Bool {
            machine.observations.count != keptPaths.count || !machine.observations.keys.allSatisfy(keptPaths.contains)
        }
    }

    let endpoint: String
    /// Second segment of the registration's path, `/rd/{location}`.
    let location: String
    let context: GatewayContext
    let state: Mutex<State>
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
            registration, model: context.model, settings: context.configuration.machine,
            retained: context.retainedValues(of: endpoint), now: now)
        state = Mutex(State(machine: machine, peer: peer, expiresAt: context.expiry(of: registration, from: now)))
    }

    /// A registration of the process before. Nothing is sent to the device before it has been heard: what its packets pass through
    /// (RFC 4787) may have forgotten us.
    init(
        restoring stored: StoredRegistration, context: GatewayContext, ended: @escaping @Sendable (Device, End) -> Void
    ) {
        endpoint = stored.registration.endpoint
        location = stored.location
        self.context = context
        self.ended = ended
        let clock = context.broker.clock
        let machine = DeviceMachine(
            restoring: stored, model: context.model, settings: context.configuration.machine,
            retained: context.retainedValues(of: endpoint), now: clock.now())
        // No server gives a session the number 0.
        let peer = CoAPPeer(id: 0, address: stored.address, isLoopback: stored.isLoopback, transport: .udp)
        let expiresAt = stored.expiresAt.map { clock.now() + ($0 - clock.wallClock()) } ?? .never
        var state = State(machine: machine, peer: peer, expiresAt: expiresAt)
        state.keptPaths = Set(stored.observed)
        self.state = Mutex(state)
    }

    var registration: Registration { state.withLock { $0.machine.registration } }
    var isClosed: Bool { state.withLock { $0.isClosed } }
    private var isOver: Bool { state.withLock { $0.isOver } }
    var attachment: (any Attachment)? { state.withLock { $0.attachment } }
    var now: Timestamp { context.broker.clock.now() }
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
        let commit = subscribe(attachment)
        announce(registration.status(reason: "registered"), event: "registered")
        return max(commit, keep())
    }

    /// The broker has let a device of the process before in again.
    func reopen(_ connected: Connected) {
        state.withLock { $0.attachment = connected.attachment }
        connected.attachment.supervise(.asleep, silence: nil)
        if !connected.sessionPresent { _ = subscribe(connected.attachment) }
        announce(registration.status(reason: "restored"), event: "restored")
        armTimer()
    }

    private func subscribe(_ attachment: any Attachment) -> CommitPoint {
        // A retained command would be carried out at every registration, a restart loop with Reboot. Commands are events.
        let subscriptions = CommandTopic.filters(endpoint: endpoint).compactMap { try? TopicFilter($0) }
            .map { Subscription(filter: $0, qos: .atLeastOnce, retainHandling: .doNotSend) }
        let (outcomes, commit) = attachment.subscribe(subscriptions)
        if outcomes.contains(where: { if case .refused = $0 { true } else { false } }) {
            context.logger.warning("a device may not receive all of its commands", [.endpoint: endpoint])
        }
        return commit
    }

    /// Begins to work. `earlier` is the registration this one replaces.
    func start(continuing earlier: Device?) {
        let inherited = earlier?.state.withLock { $0.machine }
        earlier?.giveWay()
        step { $0.start(continuing: inherited) }
    }

    /// An Update that has been checked.
    /// - Returns: the point at which it is stored.
    func update(_ registration: Registration, from peer: CoAPPeer) -> CommitPoint {
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
        return keep()
    }

    /// Ends the registration and, with it, the session: what waits for the device is answered, not forgotten.
    func end(reason: String) {
        finish()
        forget()
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
        forget()
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

    /// Writes the registration to the store, as it is now.
    /// - Returns: the point at which it is stored.
    func keep() -> CommitPoint {
        let clock = context.broker.clock
        let stored = state.withLock { state in
            let observed = state.machine.observations.keys.sorted()
            state.keptPaths = Set(observed)
            return StoredRegistration(
                registration: state.machine.registration, location: location,
                expiresAt: state.expiresAt == .never ? nil : clock.wallClock() + state.expiresAt.since(clock.now()),
                observed: observed, address: state.peer.address, isLoopback: state.peer.isLoopback)
        }
        return context.broker.keep(stored.json.encoded, as: endpoint, in: .lwm2mRegistration)
    }

    private func forget() { context.broker.keep(nil, as: endpoint, in: .lwm2mRegistration) }

    /// Publishes the retained status, if it changed, and the event.
    private func announce(_ status: JSON? = nil, event: String) {
        if let status { context.publisher.publish(CommandTopic.status(endpoint), status, retain: true) }
        context.publisher.publish(CommandTopic.event(endpoint), .object(["event": .string(event)]))
    }
}

// MARK: - The broker's side

extension Device: SessionOwner {
    func wake(_ client: UInt64) {
        guard !isWoken.exchange(true, ordering: .acquiringAndReleasing) else { return }
        context.server.perform { [weak self] in
            guard let self else { return }
            isWoken.store(false, ordering: .releasing)
            step { $0.proceed() }
        }
    }

    func close(_ client: UInt64, _ reason: CloseReason) {
        state.withLock { $0.isClosed = true }
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

// MARK: - Time

extension Device {
    /// Schedules the next look at the clock. A timer that has become too early looks again and re-arms.
    func armTimer() {
        let due = state.withLock { state -> Timestamp? in
            let next = min(state.expiresAt, state.machine.deadline ?? .never)
            guard !state.isOver, next != .never, state.timerAt.map({ next < $0 }) ?? true else { return nil }
            state.timerAt = next
            return next
        }
        guard let due else { return }
        context.server.perform(at: due) { [weak self] in self?.timerFired(due) }
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
