import DequeModule
import Logging
import Messaging
import NIOCore

/// One connection: asks its machine what to do and does it. Lives on the event loop.
final class Device {
    let serial: UInt64
    var route: Route
    var machine: ConnectionMachine
    /// Its status waits to be published.
    var isStatusPending = false
    /// The operator has been told that its topic ids are used up.
    private(set) var hasReportedExhaustion = false
    var history = ClientStatus.History()
    var attachment: (any Attachment)?
    unowned let loop: GatewayLoop
    /// Answers that wait for the store, or for receivers that are behind; in order.
    private(set) var replies: Deque<Reply> = []
    /// CONNACK waits for this.
    private var openingCommit: CommitPoint?
    /// Digest of what is kept of its sleep beyond the process; 0 for nothing.
    var keptSleep: UInt32 = 0
    /// The answer that lets the client sleep waits for this.
    private var sleepCommit = CommitPoint.none

    var clientID: ClientID { ClientID(machine.connect.clientID) }

    struct Reply {
        let packet: Packet
        let commit: CommitPoint
    }

    /// Deliveries handed to one client in one loop turn at most.
    private static let deliveriesPerTurn = 64

    init(
        serial: UInt64, connect: Packet.Connect, draft: DraftTerms?, route: Route, duplicates: DuplicateWindow,
        loop: GatewayLoop
    ) {
        self.serial = serial
        self.route = route
        self.loop = loop
        machine = ConnectionMachine(
            connect, policy: loop.policy(for: connect.clientID, by: route, draft == nil ? .v12 : .v20),
            duplicates: duplicates, draft: draft)
    }

    /// Goes on for a client that has rested.
    init(_ resting: RestingDevice, loop: GatewayLoop) {
        serial = resting.serial
        route = resting.route
        self.loop = loop
        machine = ConnectionMachine(resting.machine, resting.clientID)
        attachment = resting.attachment
        isStatusPending = resting.isStatusPending
        hasReportedExhaustion = resting.hasReportedExhaustion
        history = resting.history
        keptSleep = resting.keptSleep
    }

    /// No answer waits for anything.
    var isQuiet: Bool { replies.isEmpty && openingCommit == nil }

    // MARK: What happens

    func start() {
        run { machine, actions in machine.start(now: self.loop.now, into: &actions) }
    }

    func receive(_ packet: Packet) {
        if let draft = machine.draft {
            if draft.exchange != nil, attachment == nil { return receiveWhileProving(packet) }
            if isTooEarly(packet) { return reject(.receiveMaximumExceeded) }
        }
        attachment?.touch()
        run { machine, actions in machine.receive(packet, now: self.loop.now, into: &actions) }
        pull()
    }

    func opened(_ connected: Connected) {
        attachment = connected.attachment
        machine.draft?.isSessionPresent = connected.sessionPresent
        openingCommit = connected.commit
        wake()
    }

    func refused(_ refusal: ConnectRefusal) {
        let code = version == .v20 ? ReturnCode(draft: refusal) : ReturnCode(refusal)
        run { machine, actions in machine.refused(code, into: &actions) }
    }

    /// The core has something: a commit point, a delivery, room for a publisher.
    func wake() {
        guard let attachment else { return }
        if let commit = openingCommit {
            guard attachment.wakeWhenCommitted(commit) else { return }
            openingCommit = nil
            run { machine, actions in machine.opened(now: self.loop.now, into: &actions) }
        }
        sendReplies()
        pull()
    }

    func fireTimer() {
        run { machine, actions in machine.fireTimer(now: self.loop.now, into: &actions) }
        pull()
    }

    /// The core has ended the attachment. A client that listens is told to connect again, unless its next connection, from
    /// the same address, is what ended this one.
    func closed(_ reason: CloseReason) {
        let isListening = (machine.phase == .active || machine.phase == .awake) && loop.isBound(self)
        run { machine, actions in machine.closed(into: &actions) }
        if reason != .shutdown { forgetSleep() }
        if reason == .silence {
            loop.counters.clientsLost.add()
        } else if isListening {
            sendGoodbye(reason)
        }
        loop.forget(self, reason == .silence ? .lost : .disconnected)
    }

    /// The gateway stops: its will and its messages stay with the session.
    func shutDown() {
        if machine.phase == .active || machine.phase == .awake { sendGoodbye(.shutdown) }
        run { machine, actions in machine.end(.shutdown, into: &actions) }
    }

    // MARK: Answers

    /// Sends `packet` once `commit` has passed and earlier answers have left.
    func reply(_ packet: Packet, after commit: CommitPoint) {
        if let rejection = packet.rejection {
            history.lastRejection = rejection
            loop.statusChanged(of: self)
        }
        if replies.isEmpty, isReady(packet, commit) {
            send(packet)
        } else {
            replies.append(Reply(packet: packet, commit: commit))
        }
    }

    /// Answers again what was answered before, or is about to be.
    func replyAgain(_ packet: Packet) {
        reply(packet, after: replies.last?.commit ?? .none)
    }

    private func sendReplies() {
        while let reply = replies.first, isReady(reply.packet, reply.commit) {
            replies.removeFirst()
            send(reply.packet)
            // Whoever sleeps next does not hold the room its answers once needed.
            if replies.isEmpty { replies = [] }
        }
    }

    /// A publisher that waits for its acknowledgement is slowed down by holding it back.
    private func isReady(_ packet: Packet, _ commit: CommitPoint) -> Bool {
        guard let attachment else { return true }
        switch packet {
        case .puback, .pubrec, .pubackDraft, .pubrecDraft: if attachment.isHeldBack { return false }
        default: break
        }
        return attachment.wakeWhenCommitted(commit)
    }

    // MARK: Deliveries

    /// Takes from the mailbox while the machine wants more.
    private func pull() {
        defer { loop.scheduleTimer(of: self) }
        guard let attachment, openingCommit == nil else { return }
        var taken = 0
        while true {
            switch machine.appetite(now: loop.now) {
            case .busy: return
            case .sated: return endFlush()
            case .hungry: break
            }
            guard isReadyForDeliveries else { return }
            guard taken < Self.deliveriesPerTurn, loop.isWritable else { return loop.takeLater(self) }
            let (next, comesLater) = loop.takeOne(from: attachment)
            guard let delivery = next else {
                // PINGRESP says that there is no more (MQTT-SN 6.14): not while some is on its way from the store.
                if !comesLater { endFlush() }
                return
            }
            taken += 1
            let naming = naming(of: delivery, attachment.topicIDs)
            run { machine, actions in
                machine.deliver(Outgoing(delivery: delivery), as: naming, now: self.loop.now, into: &actions)
            }
        }
    }

    /// SUBACK comes before the retained messages (MQTT-SN 6.10), and PINGRESP after every other answer.
    private var isReadyForDeliveries: Bool {
        if machine.phase == .awake { return replies.isEmpty }
        return !replies.contains { if case .suback = $0.packet { true } else { false } }
    }

    private func endFlush() {
        guard replies.isEmpty else { return }
        run { machine, actions in machine.endFlush(now: self.loop.now, into: &actions) }
    }

    /// The way the client named the topic when it subscribed, else its normal id.
    private func naming(of delivery: Delivery, _ registry: any TopicIDRegistry) -> TopicNaming {
        let topic = delivery.message.topic
        if let topicID = SubscriptionForm.topicID(of: delivery.subscriptionIDs) {
            if topicID.type == .short || loop.predefinedTopics.topic(of: topicID.value, for: clientID) == topic {
                return .known(topicID)
            }
        }
        if version == .v20 {
            // Whom the gateway would have to tell an alias first gets the name itself: one message instead of three.
            guard let id = registry.id(of: topic), registry.isKnownToClient(id) else { return .byName }
            return .known(.normal(id))
        }
        guard let id = registry.register(topic) else {
            noteExhaustedTopicIDs()
            return .unavailable
        }
        return registry.isKnownToClient(id) ? .known(.normal(id)) : .unknown(id)
    }

    func noteClientKnows(_ topicID: UInt16) {
        var actions: [Action] = []
        machine.delivery.noteClientKnows(topicID, into: &actions)
        for action in actions { perform(action) }
    }

    /// Counted each time, told once per connection.
    func noteExhaustedTopicIDs() {
        loop.counters.topicIDsExhausted.add()
        guard attachment != nil, !hasReportedExhaustion else { return }
        hasReportedExhaustion = true
        loop.events.record(.topicIDsExhausted(clientID))
    }

    // MARK: Actions

    func run(_ step: (inout ConnectionMachine, inout [Action]) -> Void) {
        var actions: [Action] = []
        swap(&actions, &loop.scratch)
        let before = machine.phase
        step(&machine, &actions)
        for action in actions { perform(action) }
        if before != machine.phase { loop.note(self, from: before) }
        if machine.phase == .asleep { loop.mayRest(self) }
        actions.removeAll(keepingCapacity: true)
        swap(&actions, &loop.scratch)
        loop.scheduleTimer(of: self)
    }

    private func perform(_ action: Action) {
        switch action {
        // The receiver forgets the message with this: that it has it must be stored before.
        case .send(let pubrel) where pubrel.type == .pubrel: reply(pubrel, after: attachment?.recorded ?? .none)
        // An id that a crash gave to another name would name the wrong topic.
        case .send(.register(let register)): reply(.register(register), after: attachment?.recorded ?? .none)
        case .send(let packet): send(packet)
        case .sendWhenAsleep(let packet): reply(packet, after: sleepCommit)
        case .sendAgain(let packet):
            history.retransmissions &+= 1
            loop.counters.retransmissions.add()
            loop.statusChanged(of: self)
            perform(.send(packet))
        case .ignore: loop.counters.packetsUnexpected.add()
        case .open(let will): loop.open(self, will: will)
        case .abandon: loop.forget(self, .disconnected)
        case .register(let register): answer(register)
        case .publish(let publish): answer(publish)
        case .acknowledgeAgain(let publish): acknowledgeAgain(publish)
        case .release(let messageID):
            _ = attachment?.endReceiving(packetID: messageID)
            // Known or not: the client waits for it (MQTT-SN 6.13).
            reply(.pubcomp(messageID: messageID), after: attachment?.recorded ?? .none)
        case .subscribe(let subscribe, let isRepetition): answer(subscribe, isRepetition: isRepetition)
        case .unsubscribe(let unsubscribe): answer(unsubscribe)
        case .updateWillTopic(let topic): updateWill(topic)
        case .updateWillMessage(let payload): updateWill(payload)
        case .settle(let packetID, let settlement): _ = attachment?.settle(packetID: packetID, settlement)
        case .discard(let outgoing, let reason): attachment?.discard(outgoing.delivery, reason: reason)
        case .giveBack(let outgoing): attachment?.giveBack(outgoing.delivery)
        case .parked(let topicID):
            loop.counters.namesParked.add()
            loop.logger.log(
                .info, "a client does not answer REGISTER: the name is not offered again",
                [.client: clientID.string, .topicID: "\(topicID)"])
        case .late:
            history.missedWakes &+= 1
            loop.counters.wakesMissed.add()
            loop.events.record(.late(clientID))
            loop.statusChanged(of: self)
        case .setKnown(let topicID, let known): attachment?.topicIDs.setKnownToClient(topicID, known)
        case .forgetAliases: forgetAliases()
        case .authenticate(let auth): receive(auth)
        case .reject(let reason): reject(reason)
        case .supervise(let reachability, let silence):
            if reachability == .asleep { keepSleep() } else if machine.phase == .active { forgetSleep() }
            sleepCommit = attachment?.supervise(reachability, silence: silence) ?? .none
        case .detach(let reason):
            if reason == .lost { loop.counters.clientsLost.add() }
            if reason != .shutdown { forgetSleep() }
            attachment?.detach(reason, expiry: machine.draft?.expiry)
            attachment = nil
            loop.forget(self, reason == .lost ? .lost : .disconnected)
        }
    }
}

extension ReturnCode {
    init(_ refusal: ConnectRefusal) {
        switch refusal {
        case .badCredentials, .notAuthorized: self = .notSupported
        case .quotaExceeded, .shuttingDown, .unavailable: self = .congestion  // MQTT-SN 6.2: come back after T_WAIT.
        }
    }

    init(draft refusal: ConnectRefusal) {
        switch refusal {
        case .badCredentials: self = .badCredentials
        case .notAuthorized: self = .notAuthorized
        case .quotaExceeded: self = .quotaExceeded
        case .shuttingDown: self = .shuttingDown
        case .unavailable: self = .serverUnavailable
        }
    }

    init(_ refusal: PublishRefusal) {
        switch refusal {
        case .quotaExceeded, .receiverFull, .detached: self = .congestion
        case .notAuthorized, .topicNotAllowed, .tooLarge: self = .notSupported
        }
    }

    init(_ refusal: SubscribeRefusal) {
        switch refusal {
        case .quotaExceeded, .detached: self = .congestion
        case .notAuthorized, .filterTooDeep, .noLocalOnShared: self = .notSupported
        }
    }
}
