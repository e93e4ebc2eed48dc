import Messaging
import NIOCore

/// One client from its CONNECT to its end (MQTT-SN 6.2 to 6.14).
///
/// ```
///  CONNECT with Will                       WILLMSG
///  ─────▶ awaitingWillTopic ─▶ awaitingWillMessage ─┐            DISCONNECT(d)
///  CONNECT without Will / empty WILLTOPIC           ▼   ┌────────┐  ──────▶  ┌────────┐ PINGREQ(id) ┌───────┐
///  ──────────────────────────────────────────▶ opening ▶│ active │           │ asleep │ ──────────▶ │ awake │
///                                                       └────────┘           └────────┘ ◀────────── └───────┘
///                                                           │ DISCONNECT         │        PINGRESP      │
///                                                           ▼ N_RETRY            ▼                      ▼
///                                                        ┌───────┐
///                                                        │ ended │  a CONNECT begins a new machine
///                                                        └───────┘
/// ```
/// Keep alive and sleep are supervised by the core, which ends the attachment after the agreed silence.
struct ConnectionMachine {
    enum Phase: Equatable {
        case awaitingWillTopic
        indirect case awaitingWillMessage(Packet.WillTopic)
        case opening
        case active
        case asleep
        case awake
        case ended
    }

    /// What the mailbox should do.
    enum Appetite: Equatable {
        /// Hand over the next delivery.
        case hungry
        /// Nothing now.
        case busy
        /// This waking has had its share: `endFlush` follows.
        case sated
    }

    // Small things stand behind those that leave them room: there is one of these for each of very many sleepers.

    let connect: Packet.Connect
    var phase = Phase.opening
    /// The sleep agreed last, in seconds.
    var sleepDuration: UInt16 = 0
    var lastSubscribeID: UInt16 = 0
    private var deliveredThisWake: UInt32 = 0
    var delivery: DeliveryMachine
    private var duplicates: DuplicateWindow
    private var handshake = Rarely<Handshake>()
    /// Of a client of 2.0; nil for one of 1.2.
    let draft: DraftTerms?
    /// When a sleeping client is to be heard again; nil when that has passed or it does not sleep.
    private(set) var wakeExpectedAt: Timestamp?
    /// The next delivery waits for this (`Quirks.pacing`).
    private var pacedUntil: Timestamp?

    /// What is of use until the client is connected.
    private struct Handshake {
        var earlyPackets: [Packet] = []
        var timer: RetryTimer?
    }

    /// Repeats WILLTOPICREQ and WILLMSGREQ.
    var handshakeTimer: RetryTimer? {
        get { handshake.value?.timer }
        set {
            if newValue != nil || handshake.value != nil { handshake.change(from: Handshake()) { $0.timer = newValue } }
        }
    }

    /// - Parameter duplicates: the window of the client's earlier connection when its session goes on.
    init(
        _ connect: Packet.Connect, policy: SessionPolicy, duplicates: DuplicateWindow = DuplicateWindow(),
        draft: DraftTerms? = nil
    ) {
        self.draft = draft
        self.connect = connect
        self.duplicates = duplicates
        delivery = DeliveryMachine(policy: policy, packetLimit: draft?.maximumPacketSize ?? .max)
    }

    /// Goes on for a client that has rested.
    init(_ resting: RestingMachine, _ clientID: ClientID) {
        connect = resting.connect(clientID)
        draft = nil
        duplicates = DuplicateWindow()
        delivery = DeliveryMachine(resting.delivery, policy: resting.policy)
        phase = .asleep
        sleepDuration = resting.sleepDuration
        lastSubscribeID = resting.lastSubscribeID
        wakeExpectedAt = resting.wakeExpectedAt == .never ? nil : resting.wakeExpectedAt
    }

    /// No repetition would be recognised, and nothing waits but the client's next waking.
    func isQuiet(now: Timestamp) -> Bool {
        handshake.value == nil && pacedUntil == nil && !duplicates.recognisesAnything(now: now)
    }

    var policy: SessionPolicy { delivery.policy }

    /// What the next connection of a session that goes on inherits.
    var recognisedDuplicates: DuplicateWindow { duplicates }

    /// Nothing of the session outlives this connection.
    var endsSession: Bool { draft.map { ($0.connect.sessionExpiry ?? 0) == 0 } ?? connect.cleanSession }

    /// When `fireTimer` is next needed.
    var deadline: Timestamp? {
        if let handshakeTimer { return handshakeTimer.deadline }
        return earlier(delivery.deadline, earlier(wakeExpectedAt, pacedUntil))
    }

    private func earlier(_ one: Timestamp?, _ other: Timestamp?) -> Timestamp? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }

    // MARK: The broker's answers

    /// The core has attached the client to its session.
    mutating func opened(now: Timestamp, into actions: inout [Action]) {
        guard phase == .opening else { return }
        phase = .active
        actions.append(.send(.connack(.accepted)))
        let packets = handshake.value?.earlyPackets ?? []
        handshake.value = nil
        for packet in packets { receive(packet, now: now, into: &actions) }
    }

    mutating func refused(_ returnCode: ReturnCode, into actions: inout [Action]) {
        guard phase == .opening else { return }
        phase = .ended
        actions.append(.send(.connack(returnCode)))
        actions.append(.abandon)
    }

    /// A PUBLISH of QoS 1 or 2 was accepted: its repetitions are only acknowledged.
    mutating func accepted(_ publish: Packet.Publish, now: Timestamp) {
        duplicates.insert(publish, now: now)
    }

    /// The core has ended the attachment.
    mutating func closed(into actions: inout [Action]) {
        phase = .ended
        handshakeTimer = nil
        wakeExpectedAt = nil
        pacedUntil = nil
        delivery.end(into: &actions)
    }

    // MARK: Deliveries

    func appetite(now: Timestamp) -> Appetite {
        guard delivery.isIdle else { return .busy }
        if let pacedUntil, now < pacedUntil { return .busy }
        switch phase {
        case .active: return .hungry
        case .awake: return Int(deliveredThisWake) < messagesPerWake ? .hungry : .sated
        default: return .busy
        }
    }

    private var messagesPerWake: Int {
        min(policy.messagesPerWake ?? .max, draft?.connect.awakeMessages.map { Int($0) } ?? .max)
    }

    mutating func deliver(_ outgoing: Outgoing, as naming: TopicNaming, now: Timestamp, into actions: inout [Action]) {
        deliveredThisWake += 1
        if policy.quirks.pacing > .zero { pacedUntil = now + policy.quirks.pacing }
        delivery.deliver(outgoing, as: naming, now: now, into: &actions)
    }

    /// The mailbox is empty, or this waking has had its share. PINGRESP is the last message of a waking, after the last
    /// acknowledgement (MQTT-SN 6.14).
    mutating func endFlush(now: Timestamp, into actions: inout [Action]) {
        guard phase == .awake, delivery.isIdle else { return }
        fallAsleep(now: now, into: &actions)
        actions.append(.sendWhenAsleep(.pingresp))
    }

    // MARK: The client

    mutating func receive(_ packet: Packet, now: Timestamp, into actions: inout [Action]) {
        switch phase {
        case .awaitingWillTopic, .awaitingWillMessage: receiveInHandshake(packet, now: now, into: &actions)
        case .opening: receiveWhileOpening(packet, into: &actions)
        case .active, .asleep, .awake: receiveConnected(packet, now: now, into: &actions)
        case .ended: actions.append(.ignore)
        }
    }

    mutating func fireTimer(now: Timestamp, into actions: inout [Action]) {
        if handshakeTimer != nil { return fireHandshakeTimer(now: now, into: &actions) }
        if let paced = pacedUntil, paced <= now { pacedUntil = nil }
        if let expected = wakeExpectedAt, expected <= now {
            wakeExpectedAt = nil
            actions.append(.late)
        }
        if !delivery.fireTimer(now: now, into: &actions) { clientIsSilent(now: now, into: &actions) }
    }

    private mutating func receiveWhileOpening(_ packet: Packet, into actions: inout [Action]) {
        // Some clients publish right behind CONNECT without waiting for the answer.
        guard handshake.value?.earlyPackets.count ?? 0 < policy.earlyPackets else {
            actions.append(.ignore)
            return
        }
        handshake.change(from: Handshake()) { $0.earlyPackets.append(packet) }
    }

    private mutating func receiveConnected(_ packet: Packet, now: Timestamp, into actions: inout [Action]) {
        delivery.noteSignOfLife()
        if policy.version == .v20 { return receiveDraft(packet, now: now, into: &actions) }
        switch packet {
        case .register(let register): actions.append(.register(register))
        case .publish(let publish): receive(publish, now: now, into: &actions)
        case .pubrel(let messageID): actions.append(.release(messageID: messageID))
        case .subscribe(let subscribe):
            let isRepetition = subscribe.isDuplicate || subscribe.messageID == lastSubscribeID
            lastSubscribeID = subscribe.messageID
            actions.append(.subscribe(subscribe, isRepetition: isRepetition))
        case .unsubscribe(let unsubscribe): actions.append(.unsubscribe(unsubscribe))
        case .regack, .puback, .pubrec, .pubcomp: receiveAnswer(packet, now: now, into: &actions)
        case .pingreq(let clientID): receivePing(clientID, now: now, into: &actions)
        case .disconnect(let duration): receiveDisconnect(duration ?? 0, now: now, into: &actions)
        case .willTopicUpdate(let topic): actions.append(.updateWillTopic(topic))
        case .willMessageUpdate(let payload): actions.append(.updateWillMessage(payload))
        case .willTopic, .willMessage:
            // The last message of the handshake again: its CONNACK was lost.
            actions.append(connect.will ? .send(.connack(.accepted)) : .ignore)
        case .pingresp: break
        default: actions.append(.ignore)
        }
    }

    mutating func receive(_ publish: Packet.Publish, now: Timestamp, into actions: inout [Action]) {
        let isRepetition =
            (publish.qos == .atLeastOnce || publish.qos == .exactlyOnce) && duplicates.contains(publish, now: now)
        actions.append(isRepetition ? .acknowledgeAgain(publish) : .publish(publish))
    }

    private mutating func receiveAnswer(_ packet: Packet, now: Timestamp, into actions: inout [Action]) {
        switch packet {
        case .regack(let regack) where phase == .asleep: delivery.receiveLate(regack, into: &actions)
        case .regack(let regack): delivery.receive(regack: regack, now: now, into: &actions)
        case .puback(let puback): delivery.receive(puback: puback, now: now, into: &actions)
        case .pubrec(let messageID): delivery.receive(pubrec: messageID, now: now, into: &actions)
        case .pubcomp(let messageID): delivery.receive(pubcomp: messageID, into: &actions)
        default: preconditionFailure("only the four answers come here")
        }
        // A late answer of a client that has gone to sleep counts, but nothing is repeated into its sleep.
        if phase == .asleep { delivery.suspend(into: &actions) }
    }

    // MARK: Sleep and end

    mutating func receivePing(_ clientID: String?, now: Timestamp, into actions: inout [Action]) {
        switch phase {
        case .asleep where clientID != nil:
            phase = .awake
            deliveredThisWake = 0
            wakeExpectedAt = nil
            actions.append(.supervise(.awake, silence: sleepSilence))
            delivery.resume(now: now, into: &actions)
        case .awake:
            break  // Repeated during the flush: the PINGRESP at its end answers both.
        default:
            // Active, with or without client id, or a sign of life of a sleeper that does not want its messages.
            actions.append(.send(.pingresp))
        }
    }

    /// MQTT-SN 6.14 with a duration, 6.12 without. Duration 0 is what some clients send for a plain one.
    private mutating func receiveDisconnect(_ duration: UInt16, now: Timestamp, into actions: inout [Action]) {
        guard duration > 0 else {
            actions.append(.send(.disconnect(duration: nil)))
            end(.goodbye, into: &actions)
            return
        }
        sleepDuration = min(duration, policy.maximumSleep)
        fallAsleep(now: now, into: &actions)
        actions.append(.sendWhenAsleep(.disconnect(duration: nil)))
    }

    mutating func fallAsleep(now: Timestamp, into actions: inout [Action]) {
        phase = .asleep
        draft?.hasBeenCalled = false
        wakeExpectedAt = now + .seconds(Int64(sleepDuration))
        pacedUntil = nil
        delivery.suspend(into: &actions)
        actions.append(.supervise(.asleep, silence: sleepSilence))
    }

    /// Goes on for a client that fell asleep in the process before.
    /// - Parameter silentAt: when it is lost.
    mutating func sleepOn(seconds: UInt16, silentAt: Timestamp) {
        phase = .asleep
        sleepDuration = seconds
        guard let silence = sleepSilence else { return }
        wakeExpectedAt = silentAt + (.seconds(Int64(seconds)) - silence)
    }

    /// A sleeper has come back for good.
    mutating func forgetWake() {
        wakeExpectedAt = nil
        pacedUntil = nil
    }

    private var sleepSilence: Duration? { policy.tolerance.allowedSilence(seconds: sleepDuration) }

    /// The last repetition has gone unanswered. An active client is lost (MQTT-SN 6.13); one that was awake for its
    /// messages has more likely gone back to sleep, which its sleep duration supervises: the message waits for it.
    private mutating func clientIsSilent(now: Timestamp, into actions: inout [Action]) {
        if phase == .awake {
            fallAsleep(now: now, into: &actions)
        } else {
            end(.lost, into: &actions)
        }
    }

    mutating func end(_ reason: DetachReason, into actions: inout [Action]) {
        delivery.end(into: &actions)
        phase = .ended
        handshakeTimer = nil
        wakeExpectedAt = nil
        pacedUntil = nil
        actions.append(.detach(reason))
    }
}
