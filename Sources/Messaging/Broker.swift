/// The core as adapters see it. Every protocol reaches sessions, routing and retained messages through this port, so an
/// adapter can be tested against a fake one.
///
/// All members may be called from any thread and return without waiting for input or output.
public protocol Broker: AnyObject, Sendable {
    var clock: any GatewayClock { get }
    var limits: BrokerLimits { get }
    /// Topic ids every client knows beforehand (MQTT-SN 1.2, 6.5).
    var predefinedTopics: PredefinedTopics { get }

    /// Whether the core can do what it promises: it is not stopping, and its store, where it has one, can write.
    var canServe: Bool { get }

    /// Authenticates a client and attaches it to its session, creating, resuming or taking it over.
    ///
    /// `completion` is called exactly once: before this returns when the decision needs no waiting, else later on
    /// another thread. An earlier attachment of the same client id is ended first and its owner told (MQTT-3.1.4-3).
    func connect(
        _ request: ConnectRequest, owner: any SessionOwner,
        completion: @escaping @Sendable (Result<Connected, ConnectRefusal>) -> Void)

    /// Goes on for a client that slept when the process before ended: with its session, its will and its deadline as they were. The
    /// client is not asked anything, and has not been heard. To be called before the gateway serves.
    /// - Returns: nil when the store tells of no such sleeper, or it may not come in any more; it has to connect then.
    func resumeSleeper(_ request: SleeperRequest, owner: any SessionOwner) -> ResumedSleeper?

    /// Begins an authentication method of several steps, before `connect` or while a client is connected
    /// (`Authenticator.begin`). Nil when it is not offered.
    func beginAuthentication(_ method: String, _ credentials: Credentials) -> (any AuthenticationExchange)?

    /// Decides who a peer without session is (a CoAP request, an MQTT-SN PUBLISH with QoS -1). Completion as in `connect`.
    func authenticate(
        _ credentials: Credentials, completion: @escaping @Sendable (Result<Principal, ConnectRefusal>) -> Void)

    /// Publishes a batch in order for a publisher without session. `outcomes` receives one entry per message, in order.
    /// - Parameter listener: what it counts for, as in `Peer.listener`; `TrafficReading.ownListener` for what the product
    ///   says about itself.
    func publish(
        _ messages: [Message], as principal: Principal, via listener: String, outcomes: inout [PublishOutcome])

    /// The retained message of one topic, unless it has expired or `principal` may not subscribe to the topic.
    func retainedMessage(of topic: TopicName, as principal: Principal) -> Message?

    /// Retained messages under a filter, at most `limit`, in no particular order; what `principal` may not subscribe to is
    /// left out.
    func retainedMessages(matching filter: TopicFilter, limit: Int, as principal: Principal) -> [Message]

    /// Asks `source` for the last values of topics under its root from now on, in place of a source that had that root before.
    func retain(by source: any RetainedSource)

    /// Whether everything up to `point` is stored as the durability level promises.
    func isCommitted(_ point: CommitPoint) -> Bool

    /// Calls `action` once everything up to `point` is stored: at once, or later on a thread of the store's.
    func whenCommitted(_ point: CommitPoint, _ action: @escaping @Sendable () -> Void)

    /// Keeps an item of a gateway's own beyond the end of the process, where there is a store; nil forgets it.
    /// - Returns: the point at which that is stored.
    @discardableResult
    func keep(_ value: [UInt8]?, as key: String, in area: KeptArea) -> CommitPoint

    /// The items of an area as the process before left them. They are told once.
    func takeKept(in area: KeptArea) -> [KeptItem]
}

/// Whose an item is that is kept for a gateway.
public enum KeptArea: String, Sendable, CaseIterable {
    /// Registrations of devices, by endpoint.
    case lwm2mRegistration = "lwm2m.registration"
    /// Sleeping clients of MQTT-SN, by client id.
    case mqttsnSleeper = "mqttsn.sleeper"
}

/// Something kept for a gateway; what it means is the gateway's business.
public struct KeptItem: Sendable, Equatable {
    public let key: String
    public let value: [UInt8]

    public init(key: String, value: [UInt8]) {
        self.key = key
        self.value = value
    }
}

/// A client asking for its session.
public struct ConnectRequest: Sendable {
    public let credentials: Credentials
    public let options: SessionOptions
    /// Who an exchange (`Broker.beginAuthentication`) has shown the client to be; nil to have its credentials checked.
    public let proven: Principal?
    /// What its owner calls the client; of no meaning to an owner of one.
    public let clientNumber: UInt64

    public init(
        credentials: Credentials, options: SessionOptions, proven: Principal? = nil, clientNumber: UInt64 = 0
    ) {
        self.credentials = credentials
        self.options = options
        self.proven = proven
        self.clientNumber = clientNumber
    }
}

/// A client that got in.
public struct Connected: Sendable {
    public let attachment: any Attachment
    /// The session existed before and is continued (MQTT-3.2.2-2).
    public let sessionPresent: Bool
    /// What the session depends on being stored before the client is told.
    public let commit: CommitPoint

    public init(attachment: any Attachment, sessionPresent: Bool, commit: CommitPoint) {
        self.attachment = attachment
        self.sessionPresent = sessionPresent
        self.commit = commit
    }
}

/// Why a client did not get in.
public enum ConnectRefusal: Error, Sendable, Equatable, CaseIterable {
    /// User name or password are wrong (MQTT 5.0 reason 0x86).
    case badCredentials
    /// Known, but not allowed in (0x87).
    case notAuthorized
    /// The limit on sessions is reached (0x97; MQTT-SN congestion).
    case quotaExceeded
    /// The gateway is stopping (0x8B).
    case shuttingDown
    /// The source of credentials cannot be asked right now (0x88).
    case unavailable

    /// As in metric labels.
    public var name: String {
        switch self {
        case .badCredentials: "bad_credentials"
        case .notAuthorized: "not_authorized"
        case .quotaExceeded: "quota_exceeded"
        case .shuttingDown: "shutting_down"
        case .unavailable: "unavailable"
        }
    }
}
