import Messaging
import Synchronization

/// One client's mailbox, will and identifiers. Its subscriptions lie in the index, under `subscriber`.
///
/// Any thread may put a message in; the owner of the current attachment is woken once and pulls.
///
///     attached, awake ⇄ attached, asleep
///            │ detach, silence        ▲ connect
///            ▼                        │
///         detached ──expiry──▶ ended
final class Session: Sendable {
    let clientID: ClientID
    /// Place in the router's table and name in the subscription index.
    let subscriber: SubscriptionIndex.SubscriberID
    /// Attached and awake; read without the lock when a shared subscription picks a member.
    let isListening = Atomic<Bool>(false)
    /// It outlives the process; read without the lock when the store fails.
    let isDurable = Atomic<Bool>(false)
    /// Of its owner: from where it is emptied; read without the lock.
    let lane = Atomic<UInt8>(0)
    let number: SessionNumber
    let state: Mutex<SessionState>

    init(
        clientID: ClientID, subscriber: SubscriptionIndex.SubscriberID, number: SessionNumber,
        state: consuming sending SessionState
    ) {
        self.clientID = clientID
        self.subscriber = subscriber
        self.number = number
        self.state = Mutex(state)
    }

    /// The lane of a client that is there, and has nothing stored: the store keeps a message once for all who get the same one.
    var laneOfItsOwn: UInt8? {
        isDurable.load(ordering: .relaxed) || !isListening.load(ordering: .relaxed)
            ? nil : lane.load(ordering: .relaxed)
    }
}

/// What a session's lock guards.
struct SessionState: ~Copyable {
    // Small things stand together: there are very many of these.

    var mailbox = Mailbox()
    var topicIDs = TopicIDTable()
    /// Counts attachments; a call from an earlier one is recognised by its number.
    var epoch: UInt32 = 0
    var reachability = Reachability.awake
    /// The owner has found the mailbox drained and is to be woken by the next arrival.
    var isArmed = true
    var queuesQoS0WhileDetached = false
    /// It did not drain within the time publishers may be held back; until it has, it holds nobody back.
    var isStalled = false
    /// The first drop has been reported; reset when there is room again.
    var hasReportedDrop = false
    var hasEnded = false
    /// Nil while detached.
    var attachment: SessionAttachment? {
        willSet {
            if newValue != nil {
                absence.value = nil
            } else if let attachment {
                absence.value = Absence(principal: attachment.principal)
            }
        }
    }
    private var absence: Rarely<Absence>
    private var storedWill = Rarely<Will>()
    private var expiryNanoseconds = Int64.max
    /// When a sleeping client will have been silent for too long, as the store knows it. After a restart the client is detached and
    /// has until then to wake.
    var silentAt = Timestamp.never
    /// In place of the broker's mailbox limits.
    var mailboxTerms: MailboxTerms?
    private var transit = Rarely<Transit>()

    /// What is in between while messages flow. Apart from the rest, as a sleeper has nothing of it and is to cost little.
    private struct Transit {
        /// Incoming exactly-once messages between PUBLISH and PUBREL.
        var receiving: Set<UInt16> = []
        /// Those whose message has not been published yet: they are recorded together with it, because one without the other
        /// would lose the message or double it after a crash.
        var unrecordedReceiving: [UInt16] = []
        /// Publishers that wait for this mailbox to drain.
        var heldBack: [SessionAttachment] = []

        var isEmpty: Bool { receiving.isEmpty && unrecordedReceiving.isEmpty && heldBack.isEmpty }
    }

    /// What is to be known while nobody is attached. Apart from the rest, as are wills: most sessions have neither.
    private struct Absence {
        /// Who left.
        let principal: Principal
        /// When the session ends, and when its will is due.
        var expiresAt = Timestamp.never
        var willDueAt = Timestamp.never
    }

    /// - Parameter principal: whose session it is until somebody attaches to it.
    init(principal: Principal) { absence = Rarely(Absence(principal: principal)) }

    /// Who is attached, or else was last.
    var principal: Principal {
        guard let principal = attachment?.principal ?? absence.look({ $0.principal }) else {
            preconditionFailure("a session is attached, or knows who left it")
        }
        return principal
    }

    /// How long the session outlives its connection; nil for ever.
    var expiry: Duration? {
        get { expiryNanoseconds == .max ? nil : .nanoseconds(expiryNanoseconds) }
        set { expiryNanoseconds = newValue?.wholeNanoseconds ?? .max }
    }

    var will: Will? {
        get { storedWill.value }
        set { storedWill.value = newValue }
    }

    /// When the session ends; never while somebody is attached.
    var expiresAt: Timestamp {
        get { absence.look { $0.expiresAt } ?? .never }
        set { absence.value?.expiresAt = newValue }
    }

    /// When the will is due; never while somebody is attached.
    var willDueAt: Timestamp {
        get { absence.look { $0.willDueAt } ?? .never }
        set { absence.value?.willDueAt = newValue }
    }

    var isAwake: Bool { attachment != nil && reachability == .awake }

    /// Disarms and returns the owner when it is to be woken for what can be taken.
    mutating func ownerToWake() -> SessionAttachment? {
        guard isArmed, isAwake, mailbox.hasTakeable else { return nil }
        isArmed = false
        return attachment
    }

    /// Goes on, without its connection, with the deadline of a client that slept when the process ended: it is lost then, and not
    /// before (MQTT-SN 1.2, 6.14).
    mutating func sleeps(until silentAt: Timestamp) {
        self.silentAt = silentAt
        expiresAt = expiry.map { silentAt + $0 } ?? .never
        willDueAt = will.map { min(silentAt + $0.delay, expiresAt) } ?? .never
    }

    private mutating func change(_ body: (inout Transit) -> Void) {
        transit.change(from: Transit(), body)
    }

    /// The client will be away for a while: what is empty does not hold the memory it once needed.
    mutating func forgetRoom() {
        mailbox.forgetRoom()
        if transit.look({ $0.isEmpty }) == true { transit.value = nil }
    }

    // MARK: Exactly-once messages on their way in

    /// Those between PUBLISH and PUBREL.
    var receiving: Set<UInt16> { transit.look { $0.receiving } ?? [] }

    /// Those of them whose messages have been published.
    var recordedReceiving: Set<UInt16> { transit.look { $0.receiving.subtracting($0.unrecordedReceiving) } ?? [] }

    /// - Returns: false when it is known already; nil when there are `limit` of them.
    mutating func beginReceiving(_ packetID: UInt16, limit: Int) -> Bool? {
        if transit.look({ $0.receiving.contains(packetID) }) == true { return false }
        guard transit.look({ $0.receiving.count }) ?? 0 < limit else { return nil }
        let isRecorded = mailbox.recorder != nil
        change { transit in
            transit.receiving.insert(packetID)
            if isRecorded { transit.unrecordedReceiving.append(packetID) }
        }
        return true
    }

    /// - Returns: false when it was not known.
    mutating func endReceiving(_ packetID: UInt16) -> Bool {
        guard transit.look({ $0.receiving.contains(packetID) }) == true else { return false }
        change { $0.receiving.remove(packetID) }
        return true
    }

    /// Puts back what the store kept.
    mutating func restoreReceiving(_ packetIDs: [UInt16]) { change { $0.receiving = Set(packetIDs) } }

    /// Takes out those that are to be recorded with the messages that come now.
    @inline(__always)
    mutating func takeUnrecordedReceiving() -> [UInt16] {
        guard transit.look({ $0.unrecordedReceiving.isEmpty }) == false else { return [] }
        var taken: [UInt16] = []
        change { swap(&taken, &$0.unrecordedReceiving) }
        return taken
    }

    // MARK: Publishers that wait

    mutating func holdBack(_ publisher: SessionAttachment) { change { $0.heldBack.append(publisher) } }

    /// Takes out those that need not wait for this mailbox any more.
    mutating func takeHeldBack() -> [SessionAttachment] {
        guard transit.look({ $0.heldBack.isEmpty }) == false else { return [] }
        var taken: [SessionAttachment] = []
        change { swap(&taken, &$0.heldBack) }
        return taken
    }

    /// The session as the store keeps it.
    func record(number: SessionNumber, clientID: ClientID, clock: any GatewayClock) -> SessionRecord {
        SessionRecord(
            number: number, clientID: clientID, expiry: expiry, expiresAt: clock.wallClock(at: expiresAt), will: will,
            willDueAt: clock.wallClock(at: willDueAt), silentAt: clock.wallClock(at: silentAt), principal: principal,
            queuesQoS0WhileDetached: queuesQoS0WhileDetached)
    }
}
