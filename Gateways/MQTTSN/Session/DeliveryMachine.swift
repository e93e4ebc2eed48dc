import Messaging
import NIOCore

/// Delivers to one client, one message at a time (MQTT-SN 6.10, 6.13).
///
/// ```
///            topic unknown              REGACK 00
///   ┌──────┐ REGISTER ▶ ┌─────────────┐ PUBLISH ▶ ┌────────────┐ PUBREC  ┌───────────┐
///   │ idle │───────────▶│ registering │──────────▶│ publishing │────────▶│ releasing │
///   └──────┘            └─────────────┘           └────────────┘ PUBREL ▶└───────────┘
///      ▲  topic known: PUBLISH ▶  (QoS 0: stays idle) ▲ │ PUBACK 02: back to registering
///      └──────────── REGACK ≠ 00, PUBACK, PUBCOMP ──────┘
/// ```
/// What is unanswered is repeated by `RetryPolicy`, a PUBLISH with DUP. While the client sleeps the machine stands
/// still (`suspend`) and takes up the very stage it was in when the client wakes (`resume`).
struct DeliveryMachine {
    /// Apart from the machine while there is something on the way: most of the time, and for most sleepers, there is not.
    private indirect enum Stage {
        case idle
        case registering(Outgoing, topicID: UInt16, messageID: UInt16)
        /// Nil for a message that carries its topic's name (2.0).
        case publishing(Outgoing, TopicID?)
        case releasing(packetID: UInt16)
    }

    let policy: SessionPolicy
    private var stage = Stage.idle
    /// Nil while idle or suspended.
    private var timer: RetryTimer?
    /// The client has already forgotten the topic id of this very delivery once: a second time ends it, lest both sides
    /// go round in circles.
    private var hasRegisteredAgain = false
    /// The client was heard since the current REGISTER was first sent.
    private var hasGivenSignOfLife = false
    private var lastMessageID: UInt16 = 0
    /// Names the client has taken from us on this connection.
    private var namesOffered: UInt16 = 0
    /// Octets of a message to the client.
    private let maximumPacketSize: UInt16
    /// Nothing for most clients.
    private var givenUp = Rarely<GivenUpNames>()

    /// Deliveries that may be parked; what comes on top is dropped and counted.
    static let parkedLimit = 16

    /// - Parameter packetLimit: the client's own bound for messages, in octets.
    init(policy: SessionPolicy, packetLimit: Int = .max) {
        self.policy = policy
        maximumPacketSize = UInt16(clamping: min(policy.maximumPacketSize, packetLimit))
    }

    /// Goes on for a client that has rested.
    init(_ resting: RestingDelivery, policy: SessionPolicy) {
        self.init(policy: policy)
        lastMessageID = resting.lastMessageID
        namesOffered = resting.namesOffered
    }

    /// Nil while there is more to be known than fits.
    var resting: RestingDelivery? {
        guard isIdle, timer == nil, givenUp.value == nil else { return nil }
        return RestingDelivery(lastMessageID: lastMessageID, namesOffered: namesOffered)
    }

    var isIdle: Bool {
        if case .idle = stage { true } else { false }
    }

    var deadline: Timestamp? { timer?.deadline }

    // MARK: Deliveries in

    mutating func deliver(
        _ outgoing: Outgoing, as naming: TopicNaming, now: Timestamp, into actions: inout [Action]
    ) {
        precondition(isIdle, "the next delivery is taken when this one is over")
        hasRegisteredAgain = false
        if outgoing.delivery.step == .release {
            release(outgoing.delivery.packetID, now: now, into: &actions)
            return
        }
        switch naming {
        case .known(let topicID): publish(outgoing, topicID, now: now, into: &actions)
        case .unknown(let id): register(outgoing, id, now: now, into: &actions)
        case .byName: publish(outgoing, nil, now: now, into: &actions)
        case .unavailable: actions.append(.discard(outgoing, .noTopicID))
        }
    }

    /// The client asked for an id of its own accord: an earlier refusal of it, or silence about it, is void.
    mutating func noteClientKnows(_ topicID: UInt16, into actions: inout [Action]) {
        guard givenUp.value != nil else { return }
        giveUp { names in
            for packetID in names.takeUp(topicID) { actions.append(.settle(packetID: packetID, .returned)) }
        }
    }

    private mutating func giveUp(_ change: (inout GivenUpNames) -> Void) {
        givenUp.change(from: GivenUpNames(), change)
    }

    /// The client sent something, be it an answer or not.
    mutating func noteSignOfLife() {
        hasGivenSignOfLife = true
    }

    // MARK: Answers of the client

    mutating func receive(regack: Packet.Acknowledgement, now: Timestamp, into actions: inout [Action]) {
        guard case .registering(let outgoing, let topicID, let messageID) = stage, regack.messageID == messageID else {
            return receiveLate(regack, into: &actions)
        }
        switch regack.returnCode {
        case .accepted:
            guard regack.topicID == topicID else { return }
            actions.append(.setKnown(topicID: topicID, true))
            namesOffered += 1
            publish(outgoing, .normal(topicID), now: now, into: &actions)
        case .congestion:
            return  // The client is busy: the timer asks again.
        default:
            giveUp { $0.refused.insert(topicID) }
            finish(.discard(outgoing, .noTopicID), into: &actions)
        }
    }

    /// A REGACK that comes after its client has gone to sleep, or after its name was given up: the name is known, and what
    /// is sent under it waits for its turn.
    mutating func receiveLate(_ regack: Packet.Acknowledgement, into actions: inout [Action]) {
        guard regack.returnCode == .accepted else { return }
        if case .registering(_, regack.topicID, regack.messageID) = stage {
            actions.append(.setKnown(topicID: regack.topicID, true))
        } else if isSilent(about: regack.topicID) {
            actions.append(.setKnown(topicID: regack.topicID, true))
            noteClientKnows(regack.topicID, into: &actions)
        }
    }

    /// The MsgId is the key: some clients fill in another topic id.
    mutating func receive(puback: Packet.Acknowledgement, now: Timestamp, into actions: inout [Action]) {
        guard case .publishing(let outgoing, let topicID) = stage, puback.messageID == outgoing.delivery.packetID else {
            if puback.returnCode == .invalidTopicID {
                // The answer to a PUBLISH of QoS 0: the next one is preceded by a REGISTER (MQTT-SN 6.10).
                actions.append(.setKnown(topicID: puback.topicID, false))
            }
            return
        }
        switch puback.returnCode {
        case .accepted:
            guard outgoing.delivery.qos == .atLeastOnce else { return }
            finish(.settle(packetID: puback.messageID, .acknowledged), into: &actions)
        case .congestion:
            return
        case .invalidTopicID:
            registerAgain(outgoing, topicID, now: now, into: &actions)
        default:
            finish(.settle(packetID: puback.messageID, .refused), into: &actions)
        }
    }

    mutating func receive(pubrec messageID: UInt16, now: Timestamp, into actions: inout [Action]) {
        switch stage {
        case .publishing(let outgoing, _)
        where outgoing.delivery.packetID == messageID && outgoing.delivery.qos == .exactlyOnce:
            actions.append(.settle(packetID: messageID, .received))
            release(messageID, now: now, into: &actions)
        // To be sent again after its REGISTER, but its receiver has it from the first time.
        case .registering(let outgoing, _, _)
        where outgoing.delivery.packetID == messageID && outgoing.delivery.qos == .exactlyOnce:
            actions.append(.settle(packetID: messageID, .received))
            release(messageID, now: now, into: &actions)
        case .releasing(messageID):
            actions.append(.send(pubrel(messageID)))
        default:
            // For a delivery that is over the client waits for its PUBREL. For one of an earlier connection, which the
            // session is about to send again, it must not get that before the session knows: it would take the
            // repetition for a new message.
            actions.append(.settle(packetID: messageID, .received))
            actions.append(.send(pubrel(messageID)))
        }
    }

    private func pubrel(_ messageID: UInt16) -> Packet {
        policy.version == .v12 ? .pubrel(messageID: messageID) : .pubrelDraft(messageID: messageID, reason: .accepted)
    }

    mutating func receive(pubcomp messageID: UInt16, into actions: inout [Action]) {
        guard case .releasing(messageID) = stage else { return }
        finish(.settle(packetID: messageID, .completed), into: &actions)
    }

    // MARK: Time and sleep

    /// - Returns: false when the client has left the last repetition unanswered.
    mutating func fireTimer(now: Timestamp, into actions: inout [Action]) -> Bool {
        switch timer?.fire(policy.retry, now: now) {
        case nil, .notDue: return true
        case .exhausted: return parkName(into: &actions)
        case .sendAgain:
            sendAgain(into: &actions)
            return true
        }
    }

    /// A client that is alive but never answers a REGISTER has no room for the name (Zephyr), or its network is very bad:
    /// only that name is given up, and not the client.
    private mutating func parkName(into actions: inout [Action]) -> Bool {
        guard hasGivenSignOfLife, case .registering(let outgoing, let topicID, _) = stage else { return false }
        giveUp { $0.silent.insert(topicID) }
        actions.append(.parked(topicID: topicID))
        park(outgoing, topicID, into: &actions)
        return true
    }

    /// What was acknowledged to its publisher stays with the session until the next connection; QoS 0 ends here.
    private mutating func park(_ outgoing: Outgoing, _ topicID: UInt16, into actions: inout [Action]) {
        stage = .idle
        timer = nil
        guard outgoing.delivery.qos != .atMostOnce, givenUp.value?.parked.count ?? 0 < Self.parkedLimit else {
            return actions.append(.discard(outgoing, .noTopicID))
        }
        giveUp { $0.parked.append((outgoing.delivery.packetID, topicID)) }
    }

    private func isSilent(about topicID: UInt16) -> Bool { givenUp.value?.silent.contains(topicID) ?? false }

    /// The client goes to sleep. A delivery at QoS 0 that waits for its REGACK goes back to the mailbox.
    mutating func suspend(into actions: inout [Action]) {
        giveBackUnsent(into: &actions)
        timer = nil
    }

    private mutating func giveBackUnsent(into actions: inout [Action]) {
        guard case .registering(let outgoing, _, _) = stage, outgoing.delivery.qos == .atMostOnce else { return }
        actions.append(.giveBack(outgoing))
        stage = .idle
    }

    mutating func resume(now: Timestamp, into actions: inout [Action]) {
        guard !isIdle else { return }
        timer = RetryTimer(policy.retry, now: now)
        sendAgain(into: &actions)
    }

    /// The connection ends. What is on the way stays with the session.
    mutating func end(into actions: inout [Action]) {
        giveBackUnsent(into: &actions)
        stage = .idle
        timer = nil
    }

    // MARK: Steps

    private mutating func register(
        _ outgoing: Outgoing, _ id: UInt16, now: Timestamp, into actions: inout [Action]
    ) {
        guard !isSilent(about: id) else { return park(outgoing, id, into: &actions) }
        let quirks = policy.quirks
        let name = outgoing.delivery.message.topic.string
        let isRefused = givenUp.value?.refused.contains(id) ?? false
        guard !isRefused, quirks.acceptsRegister, namesOffered < quirks.maximumNames ?? .max,
            name.utf8.count <= quirks.maximumNameLength
        else {
            finish(.discard(outgoing, .noTopicID), into: &actions)
            return
        }
        hasGivenSignOfLife = false
        lastMessageID = lastMessageID == .max ? 1 : lastMessageID + 1
        stage = .registering(outgoing, topicID: id, messageID: lastMessageID)
        guard let packet, packet.encodedLength(in: policy.version) <= Int(maximumPacketSize) else {
            finish(.discard(outgoing, .tooLargeForReceiver), into: &actions)
            return
        }
        timer = RetryTimer(policy.retry, now: now)
        actions.append(.send(packet))
    }

    /// MQTT-SN 6.10: told that a topic id is invalid, register it anew and send the message again.
    private mutating func registerAgain(
        _ outgoing: Outgoing, _ topicID: TopicID?, now: Timestamp, into actions: inout [Action]
    ) {
        if let topicID, topicID.type == .normal { actions.append(.setKnown(topicID: topicID.value, false)) }
        guard let topicID, !hasRegisteredAgain, topicID.type == .normal || policy.version == .v20 else {
            // What both sides should know beforehand, or forget at once, no REGISTER can cure.
            finish(.discard(outgoing, .noTopicID), into: &actions)
            return
        }
        hasRegisteredAgain = true
        if policy.version == .v20 { return publish(outgoing, nil, now: now, into: &actions) }
        register(outgoing, topicID.value, now: now, into: &actions)
    }

    private mutating func publish(
        _ outgoing: Outgoing, _ topicID: TopicID?, now: Timestamp, into actions: inout [Action]
    ) {
        stage = .publishing(outgoing, topicID)
        guard let packet, packet.encodedLength(in: policy.version) <= Int(maximumPacketSize) else {
            finish(.discard(outgoing, .tooLargeForReceiver), into: &actions)
            return
        }
        actions.append(.send(packet))
        if outgoing.delivery.qos == .atMostOnce {
            stage = .idle
            timer = nil
        } else {
            timer = RetryTimer(policy.retry, now: now)
        }
    }

    private mutating func release(_ packetID: UInt16, now: Timestamp, into actions: inout [Action]) {
        stage = .releasing(packetID: packetID)
        timer = RetryTimer(policy.retry, now: now)
        if let packet { actions.append(.send(packet)) }
    }

    private mutating func finish(_ action: Action, into actions: inout [Action]) {
        actions.append(action)
        stage = .idle
        timer = nil
    }

    private func sendAgain(into actions: inout [Action]) {
        guard var packet else { return }
        switch packet {
        case .publish(var publish):
            publish.isDuplicate = policy.quirks.setsDUP  // MQTT-SN 6.13
            packet = .publish(publish)
        case .publishDraft(var publish):
            publish.isDuplicate = publish.qos == .exactlyOnce
            packet = .publishDraft(publish)
        default: break
        }
        actions.append(.sendAgain(packet))
    }

    /// What the current stage says to the client.
    private var packet: Packet? {
        switch stage {
        case .idle: nil
        case .registering(let outgoing, let topicID, let messageID):
            .register(
                Packet.Register(
                    topicID: topicID, messageID: messageID, topicName: outgoing.delivery.message.topic.string))
        case .publishing(let outgoing, let topicID?) where policy.version == .v12:
            .publish(Packet.Publish(outgoing.delivery, topicID, setsDUP: policy.quirks.setsDUP))
        case .publishing(let outgoing, let topicID): .publishDraft(Packet.PublishDraft(outgoing.delivery, topicID))
        case .releasing(let packetID):
            pubrel(packetID)
        }
    }
}
