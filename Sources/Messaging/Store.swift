/// Port: keeps what has to outlive the process.
///
/// The core hands over changes in the order they happened and goes on at once; the store gathers them into batches, writes
/// them in that order and calls back when they are safe. Acknowledgements wait for that call, nothing else does. Only
/// sessions that outlive their connection and retained messages reach the store, and none of them with `Durability.memory`.
public protocol Store: AnyObject, Sendable {
    /// Adds a change to the open batch. Called while the core holds a session's lock: it takes a note and returns.
    /// - Returns: the point at which the change will be committed.
    func append(_ change: StoreChange) -> CommitPoint

    /// Between these two calls, whatever is appended is committed together or not at all. To be kept short, as every commit
    /// waits for it; groups of several threads may overlap, but one thread's do not nest. No lock of the core may be held
    /// at `beginGroup`, which waits while a batch is being closed.
    func beginGroup()
    func endGroup()

    /// The latest committed point.
    var committed: CommitPoint { get }

    /// The store could not write its last batch (disk full, broken) and keeps trying. Nothing is committed meanwhile; the core
    /// refuses what would have to be stored.
    var isFailing: Bool { get }

    /// Sets the one handler told of each new committed point, on the store's own thread.
    func onCommit(_ handler: @escaping @Sendable (CommitPoint) -> Void)

    /// Sets the one handler told, on the store's own thread, that a file was damaged and has lost some of what it had of sessions,
    /// subscriptions, identifiers, retained or delayed messages. Who has them in memory appends them again: what is appended before the
    /// handler returns is committed together with what waits.
    func onLoss(_ handler: @escaping @Sendable () -> Void)

    /// Everything kept, read once at the start, before the first `append`. Of a long queue only the beginning is there in full.
    func load() throws(StoreError) -> StoredState

    /// Reads deliveries back. Called with no lock of the core held; `completion` is called once, at once or later on a thread of the
    /// store's own, when it can tell at least one of them. That is when all are committed; while the store is failing, of those
    /// that are. A store that is closed meanwhile does not call.
    func read(_ request: PageRequest, completion: @escaping @Sendable (QueuePage) -> Void)
}

/// What an acknowledgement promises.
public enum Durability: String, Sendable, CaseIterable, Comparable {
    /// Nothing is kept beyond the process.
    case memory
    /// Survives the end of the process.
    case process
    /// Survives a loss of power.
    case disk

    public static func < (left: Durability, right: Durability) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .memory: 0
        case .process: 1
        case .disk: 2
        }
    }
}

/// Names a session in the store; never reused.
public struct SessionNumber: Hashable, Sendable {
    public let value: UInt64
    public init(_ value: UInt64) { self.value = value }
}

/// One change. Deadlines are wall-clock times since 1970, as the monotonic clock does not survive.
///
/// Large and rare cases are indirect, so that a batch is an array of small elements.
public enum StoreChange: Sendable {
    indirect case putSession(SessionRecord)
    /// With all that belongs to it.
    case removeSession(SessionNumber)
    indirect case putSubscription(SessionNumber, Subscription)
    indirect case removeSubscription(SessionNumber, TopicFilter)
    case enqueue(SessionNumber, QueuedRecord)
    /// The delivery with this sequence was sent, or the receiver confirmed having it.
    case progress(SessionNumber, sequence: UInt64, packetID: UInt16, released: Bool)
    /// The delivery is over: acknowledged, expired or dropped.
    case dequeue(SessionNumber, sequence: UInt64)
    case putReceiving(SessionNumber, packetID: UInt16)
    case removeReceiving(SessionNumber, packetID: UInt16)
    case putTopicID(SessionNumber, id: UInt16, topic: TopicName, known: Bool)
    case putRetained(Message, expiresAt: Duration?)
    case removeRetained(TopicName)
    /// A message that waits for its time.
    indirect case putDelayed(DelayedRecord)
    case removeDelayed(UInt64)
    /// What a gateway keeps; nil forgets it. The area is `KeptArea.rawValue`.
    indirect case putItem(area: String, key: String, value: [UInt8]?)
    /// Where all messages went so far; what is queued is counted anew at the start.
    indirect case putTotals(DropLedger)
}

/// A session without its mailbox and subscriptions.
public struct SessionRecord: Sendable {
    public let number: SessionNumber
    public let clientID: ClientID
    /// Time the session outlives its connection; nil for ever.
    public let expiry: Duration?
    /// When the session ends unless its client comes back; nil while connected or for ever.
    public let expiresAt: Duration?
    public let will: Will?
    /// When the will is due; nil while connected.
    public let willDueAt: Duration?
    /// When a sleeping client will have been silent for too long; nil for one that does not sleep.
    public let silentAt: Duration?
    public let principal: Principal
    public let queuesQoS0WhileDetached: Bool

    public init(
        number: SessionNumber, clientID: ClientID, expiry: Duration?, expiresAt: Duration?, will: Will?,
        willDueAt: Duration?, silentAt: Duration? = nil, principal: Principal, queuesQoS0WhileDetached: Bool
    ) {
        self.number = number
        self.clientID = clientID
        self.expiry = expiry
        self.expiresAt = expiresAt
        self.will = will
        self.willDueAt = willDueAt
        self.silentAt = silentAt
        self.principal = principal
        self.queuesQoS0WhileDetached = queuesQoS0WhileDetached
    }
}

/// A message that is to be published later.
public struct DelayedRecord: Sendable {
    /// Grows with each.
    public let id: UInt64
    public let message: Message
    /// When the message expires and when it is due, wall clock; nil for never.
    public let expiresAt: Duration?
    public let dueAt: Duration
    public let principal: Principal

    public init(id: UInt64, message: Message, expiresAt: Duration?, dueAt: Duration, principal: Principal) {
        self.id = id
        self.message = message
        self.expiresAt = expiresAt
        self.dueAt = dueAt
        self.principal = principal
    }
}

/// One delivery waiting or on the way.
public struct QueuedRecord: Sendable {
    /// Order within the session's mailbox.
    public let sequence: UInt64
    public let message: Message
    /// When the message expires, wall clock; nil for never.
    public let expiresAt: Duration?
    /// End of the time this delivery may wait, wall clock, where that comes first; else nil.
    public let waitsUntil: Duration?
    public let qos: QoS
    public let retain: Bool
    public let subscriptionIDs: SubscriptionIDs
    /// What the commit of this delivery has to survive: `process` or `disk`.
    public let durability: Durability
    /// 0 while not sent.
    public var packetID: UInt16
    /// The receiver has confirmed having it (PUBREC).
    public var released: Bool

    public init(
        sequence: UInt64, message: Message, expiresAt: Duration?, waitsUntil: Duration? = nil, qos: QoS, retain: Bool,
        subscriptionIDs: SubscriptionIDs, durability: Durability = .disk, packetID: UInt16 = 0, released: Bool = false
    ) {
        self.sequence = sequence
        self.message = message
        self.expiresAt = expiresAt
        self.waitsUntil = waitsUntil
        self.qos = qos
        self.retain = retain
        self.subscriptionIDs = subscriptionIDs
        self.durability = durability
        self.packetID = packetID
        self.released = released
    }
}

/// One session as it was kept.
public struct StoredSession: Sendable {
    public var record: SessionRecord
    public var subscriptions: [Subscription] = []
    /// In order of their sequence.
    public var queue: [QueuedRecord] = []
    /// The rest of the queue, which stays in the store until its turn comes.
    public var rest: ContiguousArray<PagedDelivery> = []
    public var receiving: [UInt16] = []
    public var topicIDs: [(id: UInt16, topic: TopicName, known: Bool)] = []

    public init(record: SessionRecord) { self.record = record }
}

/// All that a store kept.
public struct StoredState: Sendable {
    public var sessions: [StoredSession] = []
    public var retained: [(message: Message, expiresAt: Duration?)] = []
    public var delayed: [DelayedRecord] = []
    public var items: [(area: String, item: KeptItem)] = []
    public var totals = DropLedger()

    public init() {}
}

/// The store cannot be opened or read. The description is a sentence with place and remedy.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    public let description: String
    public init(description: String) { self.description = description }
}
