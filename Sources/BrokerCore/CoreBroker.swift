package import Messaging
import Synchronization

/// The core: sessions, subscriptions, routing, retained messages, wills and their deadlines, behind the `Broker` port.
///
/// Locks, in the order they may be taken: sessions table → routing → retained → one session → deadlines, ledger. None is
/// held during a call to an owner, an event sink or an authenticator. See README.md.
package final class CoreBroker: Broker {
    package let clock: any GatewayClock
    package let limits: BrokerLimits
    package let predefinedTopics: PredefinedTopics
    let features: BrokerFeatures
    let events: any EventSink
    let authenticator: any Authenticator
    let authorizer: any Authorizer
    /// `Authorizer.restricts`, which is asked for with every message.
    let isRestricted: Bool
    /// Nil when nothing is kept.
    let store: (any Store)?
    /// The same for the publish path: to look whether an optional existential is there copies it.
    let hasStore: Bool
    /// For the recorders of durable sessions.
    let recording: Recorder.Target?
    /// There are rules for rewriting topics; known for the same reason.
    let rewrites: Bool
    let durability: DurabilityPolicy

    let sessions: Mutex<SessionTable>
    let routing: ReadWriteLock<Routing>
    let retained: Mutex<RetainedStore>
    /// Those who keep last values in place of `retained`.
    let retainedSources = Mutex<[any RetainedSource]>([])
    let deadlines: Mutex<DeadlineQueue<Deadline>>
    let delayed = Mutex(DelayedMessages())
    /// Publishers being held back.
    let held = Mutex(HoldBacks())
    /// Owners that wait for a commit point.
    let awaitingCommit = Mutex<[(point: CommitPoint, attachment: SessionAttachment)]>([])
    /// What is to be done at a commit point.
    let commitActions = Mutex<[(point: CommitPoint, action: @Sendable () -> Void)]>([])
    /// What the process before kept for the gateways, until they ask.
    let kept = Mutex<[String: [KeptItem]]>([:])
    /// Scratch space of the publish path, one for each thread that is in it.
    let scratches = Mutex<[RouteScratch.Place]>([])
    /// The batch of the last publisher without session, empty, for the next.
    let spareBatch = Mutex(MessageBatch())
    /// Room for changes to subscriptions, empty.
    let spareChanges = Mutex(ChangeScratch())
    let traffic = TrafficTable()
    /// Some mailbox may refuse publishers: receivers are asked before a message is handed out.
    let mayRefuse: Atomic<Bool>
    /// Octets that each mailbox may hold in memory; `.max` while memory is not tight (`noteMemory`).
    let memoryShare = Atomic<Int>(.max)
    /// Grows with each `recheckAccess`, so that a client that comes in at that moment is looked at again.
    let accessVersion = Atomic<UInt64>(0)
    private let stopping = Atomic<Bool>(false)
    let totalsDueAt: Atomic<Int64>

    /// - Throws: `StoreError` when the store cannot be read.
    package init(
        clock: any GatewayClock = SystemClock(), limits: BrokerLimits = BrokerLimits(),
        predefinedTopics: PredefinedTopics = PredefinedTopics(), features: BrokerFeatures = BrokerFeatures(),
        authenticator: any Authenticator,
        authorizer: any Authorizer = PermissiveAuthorizer(), events: any EventSink = SilentEventSink(),
        store: (any Store)? = nil, durability: DurabilityPolicy = DurabilityPolicy()
    ) throws(StoreError) {
        self.clock = clock
        self.limits = limits
        self.predefinedTopics = predefinedTopics
        self.features = features
        self.authenticator = authenticator
        self.authorizer = authorizer
        isRestricted = authorizer.restricts
        self.events = events
        self.store = store
        hasStore = store != nil
        rewrites = features.rewriter != nil
        recording = store.map { Recorder.Target(store: $0, clock: clock) }
        self.durability = durability
        mayRefuse = Atomic(limits.mailbox.policy == .rejectPublisher)
        sessions = Mutex(SessionTable())
        routing = ReadWriteLock(Routing())
        retained = Mutex(RetainedStore())
        deadlines = Mutex(DeadlineQueue(now: clock.now()))
        totalsDueAt = Atomic((clock.now() + Self.totalsInterval).nanoseconds)
        if let store {
            restore(try store.load())
            store.onCommit { [weak self] point in self?.committed(point) }
            store.onLoss { [weak self] in self?.storeAgain() }
        }
    }

    /// Time between two records of the totals.
    static let totalsInterval = Duration.seconds(10)

    package func authenticate(
        _ credentials: Credentials, completion: @escaping @Sendable (Result<Principal, ConnectRefusal>) -> Void
    ) {
        guard !isStopping else { return completion(.failure(.shuttingDown)) }
        authenticator.authenticate(credentials) { [events] result in
            if case .failure(let refusal) = result {
                events.record(.refused(credentials.clientID, credentials.peer, refusal))
            }
            completion(result)
        }
    }

    package func beginAuthentication(
        _ method: String, _ credentials: Credentials
    ) -> (any AuthenticationExchange)? {
        isStopping ? nil : authenticator.begin(method, credentials)
    }

    package var canServe: Bool { !isStopping && store?.isFailing != true }

    var isStopping: Bool { stopping.load(ordering: .relaxed) }

    /// Ends all attachments; their owners say goodbye. Nobody gets in any more. Wills are kept, not published.
    package func stop() {
        stopping.store(true, ordering: .relaxed)
        let attached = sessions.withLock { table in
            table.all.compactMap { session in session.state.withLock { $0.attachment } }
        }
        for attachment in attached {
            detach(attachment, reason: .shutdown, expiry: nil)
            attachment.close(.shutdown)
        }
        recordTotals()
    }
}

/// All sessions by client id, and the account of those that have ended.
struct SessionTable {
    private var sessions: ContiguousArray<Session?> = []
    private var free: [Int] = []
    /// Places in `sessions`. A dictionary would keep each client id a second time.
    private var byClientID = PlaceTable()
    /// Where the copies of messages for ended sessions went.
    var departed = DropLedger()
    private var lastNumber: UInt64 = 0

    var all: some Sequence<Session> { sessions.lazy.compactMap(\.self) }
    var count: Int { byClientID.count }

    subscript(clientID: ClientID) -> Session? {
        get { place(of: clientID).flatMap { sessions[$0] } }
        set {
            if let place = place(of: clientID) { remove(place) }
            if let newValue { insert(newValue) }
        }
    }

    private func place(of clientID: ClientID) -> Int? {
        byClientID.find(clientID.hashValue) { sessions[$0]?.clientID == clientID }
    }

    private mutating func insert(_ session: Session) {
        let place = free.popLast() ?? sessions.count
        if place == sessions.count { sessions.append(session) } else { sessions[place] = session }
        byClientID.insert(place, hashOf: hashOfClientID)
    }

    private mutating func remove(_ place: Int) {
        byClientID.remove(place, hashOf: hashOfClientID)
        sessions[place] = nil
        free.append(place)
    }

    private var hashOfClientID: (Int) -> Int { { [sessions] in sessions[$0]?.clientID.hashValue ?? 0 } }

    mutating func nextNumber() -> SessionNumber {
        lastNumber += 1
        return SessionNumber(lastNumber)
    }

    /// Numbers continue after one that a stored session has.
    mutating func skip(past number: SessionNumber) { lastNumber = max(lastNumber, number.value) }
}
