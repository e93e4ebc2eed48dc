/// A connected client's hold on its session.
///
/// The session itself (mailbox, subscriptions, will, packet identifiers) lives in the core and outlives the attachment.
/// After `detach`, or after another connection took the session over, every call is answered as if the session were empty.
///
/// The owner pulls: it is woken once (`SessionOwner.wake`) when something arrives in an empty mailbox or after it found
/// the mailbox drained, then calls `take` until that returns `.drained`.
public protocol Attachment: AnyObject, Sendable {
    var clientID: ClientID { get }
    var principal: Principal { get }
    var topicIDs: any TopicIDRegistry { get }

    // MARK: Publishing

    /// Publishes a batch in order, which is empty afterwards. `outcomes` receives one entry per message, in order.
    func publish(_ messages: inout MessageBatch, outcomes: inout [PublishOutcome])

    /// True while a receiver of this publisher's QoS 1 and 2 messages has more waiting than is good. The adapter then stops
    /// reading from its client; it is woken when the pressure has gone, at the latest after `MailboxLimits.longestHoldBack`.
    var isHeldBack: Bool { get }

    /// Notes an incoming exactly-once message (MQTT-4.3.3-10). False when this packet identifier is known already: the
    /// message is a repetition, to be confirmed but not published again. Nil when `BrokerLimits.awaitingRelease` is reached.
    /// The message has to be in the next `publish`: both are stored together.
    func beginReceiving(packetID: UInt16) -> Bool?

    /// Forgets an incoming exactly-once message on its PUBREL (MQTT-4.3.3-11). False when it was not known.
    func endReceiving(packetID: UInt16) -> Bool

    // MARK: Subscribing

    /// Subscribes and unsubscribes, in order; what came together is best handed over together. Retained messages are put into the mailbox
    /// before this returns. `outcomes` receives one entry per change, in order.
    /// - Returns: the point after which they may be acknowledged.
    func change(_ changes: [SubscriptionChange], outcomes: inout [SubscriptionOutcome]) -> CommitPoint

    // MARK: Receiving

    /// Moves waiting deliveries to `deliveries` (appending), oldest first, as far as `limit`, the receive maximum and
    /// expiry allow. A delivery at QoS 0 is over with this; one at QoS 1 or 2 is on the way until settled. Deliveries
    /// that were on the way when the previous connection broke come first (MQTT-4.4.0-1).
    func take(_ limit: Int, into deliveries: inout [Delivery]) -> TakeResult

    /// Reports how a delivery at QoS 1 or 2 went on.
    /// - Returns: false when no delivery with that identifier is at a step where this can follow; nothing changed then.
    func settle(packetID: UInt16, _ settlement: Settlement) -> Bool

    /// Reports deliveries at QoS 1 as `.acknowledged`, as many as came together. What is not known changes nothing.
    func acknowledge(packetIDs: [UInt16])

    /// Accounts for a taken delivery that the adapter cannot send (too large for the peer, no topic id …). Ends it.
    func discard(_ delivery: Delivery, reason: DropReason)

    /// Up to where this session's changes have to be committed before an answer may leave that lets the other side forget what
    /// was exchanged: PUBREC for a repetition, PUBREL, PUBCOMP (MQTT 5.0, 4.3.3).
    var recorded: CommitPoint { get }

    /// Puts a taken delivery at QoS 0 that was never sent back at the head of the mailbox: its client fell asleep or
    /// connected anew before its turn came. Unlike every other call this holds after another connection took the session
    /// over, so that nothing is lost between the two. What is at QoS 1 and 2 stays with the session by itself.
    func giveBack(_ delivery: Delivery)

    /// Messages waiting or on the way, for records and for protocols that tell their clients.
    var backlog: Int { get }

    /// The same with octets and age, and what has been lost; a little dearer than `backlog`.
    var mailboxReport: MailboxReport { get }

    // MARK: Liveness

    /// Sets how long the client may stay silent from now on, and whether deliveries make sense meanwhile: while `.asleep`,
    /// the offline limits hold and the owner is not woken for arrivals. After the silence the core treats the client as lost:
    /// will, detachment, `SessionOwner.close(.silence)`. Nil for no supervision.
    /// - Returns: the point at which a sleeper's deadline is stored, before which its client should not be let to sleep; none while the
    ///   store cannot write.
    @discardableResult
    func supervise(_ reachability: Reachability, silence: Duration?) -> CommitPoint

    /// The client gave a sign of life: its silence starts anew. Cheap enough to call for every batch read.
    func touch()

    // MARK: The end

    /// Asks for `SessionOwner.wake` once `point` is committed, unless it is already.
    /// - Returns: whether it is committed already.
    func wakeWhenCommitted(_ point: CommitPoint) -> Bool

    /// Replaces the will (MQTT-SN 1.2, 6.4); nil removes it.
    func updateWill(_ will: Will?)

    /// The will in force, if any.
    var will: Will? { get }

    /// Ends the attachment. The session goes on for its expiry.
    /// - Parameter expiry: replaces the expiry given at connect when not nil (MQTT 5.0, 3.14.2.2.2).
    func detach(_ reason: DetachReason, expiry: SessionExpiryChange?)
}

extension Attachment {
    /// The same for messages that lie in an array.
    public func publish(_ messages: [Message], outcomes: inout [PublishOutcome]) {
        var batch = MessageBatch(messages)
        publish(&batch, outcomes: &outcomes)
    }

    /// Subscribes alone.
    /// - Returns: one outcome per subscription, and the point after which they may be acknowledged.
    public func subscribe(_ subscriptions: [Subscription]) -> (outcomes: [SubscribeOutcome], commit: CommitPoint) {
        var outcomes: [SubscriptionOutcome] = []
        let commit = change(subscriptions.map { .subscribe($0) }, outcomes: &outcomes)
        return (outcomes.compactMap { if case .subscribed(let outcome) = $0 { outcome } else { nil } }, commit)
    }

    /// Unsubscribes alone.
    /// - Returns: one outcome per filter, and the point after which they may be acknowledged.
    public func unsubscribe(_ filters: [TopicFilter]) -> (outcomes: [UnsubscribeOutcome], commit: CommitPoint) {
        var outcomes: [SubscriptionOutcome] = []
        let commit = change(filters.map { .unsubscribe($0) }, outcomes: &outcomes)
        return (outcomes.compactMap { if case .unsubscribed(let outcome) = $0 { outcome } else { nil } }, commit)
    }
}

public enum TakeResult: Sendable, Equatable {
    /// Nothing more can be taken now: the mailbox is empty or the window full. The next arrival or settlement that changes
    /// this wakes the owner.
    case drained
    /// Nothing more can be taken now, but something waits that is being stored or read from the store: the owner is woken then.
    case later
    /// `limit` was reached; more is waiting. The owner is not woken for it: it must call again.
    case more
}

/// Whether a client listens.
public enum Reachability: Sendable, Equatable {
    case awake
    case asleep
}

/// A changed session expiry: MQTT 5.0 DISCONNECT carries one. Nil never ends.
public struct SessionExpiryChange: Sendable, Equatable {
    public let expiry: Duration?

    public init(_ expiry: Duration?) { self.expiry = expiry }
}

/// How an attachment ended, from the adapter's side.
public enum DetachReason: Sendable, Equatable {
    /// The client said goodbye: the will is discarded (MQTT-3.14.4-3).
    case goodbye
    /// The client said goodbye but wants its will published (MQTT 5.0, 3.14.2.1, reason 0x04).
    case goodbyeWithWill
    /// The connection broke, or the client broke the protocol: the will is published.
    case lost
    /// The gateway is stopping: the will is kept with the session, not published.
    case shutdown
}
