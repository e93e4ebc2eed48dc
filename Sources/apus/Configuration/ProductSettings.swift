import Messaging
import Settings

/// The settings of the product. What each key means, its default and its range stand in `DefaultSettings`.
struct ProductSettings: Decodable, Sendable {
    var allowAnonymous: Bool
    var shutdownTimeout: Duration
    var sysInterval: Duration
    var access: AccessSettings
    var tls: TLSFileSettings
    var dataDirectory: String
    var store: StoreSettings
    var sharedSubscriptions: SharedSubscriptionSettings
    var exclusiveSubscriptions: Bool
    var delayed: DelayedSettings
    var rewrite: [RewriteSettings]
    var autoSubscribe: [AutoSubscribeSettings]
    var log: LogSettings
    var mqtt: MQTTSettings
    var mqttsn: MQTTSNSettings
    var coap: CoAPSettings
    var lwm2m: LwM2MSettings
    var admin: AdminSettings
    var limits: LimitSettings

    enum CodingKeys: String, CodingKey {
        case access, tls, store, delayed, rewrite, log, mqtt, mqttsn, coap, lwm2m, admin, limits
        case allowAnonymous = "allow_anonymous"
        case sharedSubscriptions = "shared_subscriptions"
        case exclusiveSubscriptions = "exclusive_subscriptions"
        case autoSubscribe = "auto_subscribe"
        case shutdownTimeout = "shutdown_timeout"
        case dataDirectory = "data_dir"
        case sysInterval = "sys_interval"
    }
}

struct AccessSettings: Decodable, Sendable {
    var passwordFile: String?
    var aclFile: String?
    var anonymousListeners: [String]

    enum CodingKeys: String, CodingKey {
        case passwordFile = "password_file"
        case aclFile = "acl_file"
        case anonymousListeners = "anonymous_listeners"
    }
}

struct LogSettings: Decodable, Sendable {
    enum Level: String, Choice { case trace, debug, info, notice, warning, error, critical }

    var level: Level
}

struct StoreSettings: Decodable, Sendable {
    enum Level: String, Choice { case memory, process, disk }

    var durability: Level
    /// Level by listener; checked by `Configuration+Store`.
    var listeners: [String: String]
    /// Level by topic filter; checked there, too.
    var topics: [String: String]
    var linger: Duration
    var maxSize: ByteSize?

    enum CodingKeys: String, CodingKey {
        case durability, listeners, topics, linger
        case maxSize = "max_size"
    }
}

/// One listening socket.
struct ListenerSettings: Decodable, Sendable {
    var enabled: Bool
    /// Numeric; checked by `Configuration+Check`.
    var address: String
    var port: Whole<0, 65_535>
}

struct CoAPSettings: Decodable, Sendable {
    var udp: ListenerSettings
}

struct LwM2MSettings: Decodable, Sendable {
    var enabled: Bool
    var registrations: Whole<1, 1_000_000_000>
    var awakeTime: Duration
    var requestTimeout: Duration
    var readsBackWrites: Bool
    var readsDeviceObject: Bool

    enum CodingKeys: String, CodingKey {
        case enabled, registrations
        case awakeTime = "awake_time"
        case requestTimeout = "request_timeout"
        case readsBackWrites = "reads_back_writes"
        case readsDeviceObject = "reads_device_object"
    }
}

struct LimitSettings: Decodable, Sendable {
    var sessions: Whole<1, 1_000_000_000>
    var subscriptionsPerSession: Whole<1, 1_000_000_000>
    var retainedMessages: Whole<0, 1_000_000_000>
    var topicLevels: Whole<1, 65_535>
    var payload: ByteSize
    var sessionExpiry: Duration?
    var memory: ByteSize?
    var mailbox: MailboxSettings

    enum CodingKeys: String, CodingKey {
        case sessions, payload, memory, mailbox
        case subscriptionsPerSession = "subscriptions_per_session"
        case retainedMessages = "retained_messages"
        case topicLevels = "topic_levels"
        case sessionExpiry = "session_expiry"
    }
}

struct MailboxSettings: Decodable, Sendable {
    enum Policy: String, Choice {
        case dropOldest = "drop_oldest"
        case dropNewest = "drop_newest"
        case dropQoS0First = "drop_qos0_first"
        case latestOnly = "latest_only"
        case rejectPublisher = "reject_publisher"

        var policy: MailboxLimits.Policy {
            switch self {
            case .dropOldest: .dropOldest
            case .dropNewest: .dropNewest
            case .dropQoS0First: .dropQoS0First
            case .latestOnly: .latestOnly
            case .rejectPublisher: .rejectPublisher
            }
        }
    }

    var onlineMessages: Whole<1, 1_000_000_000>
    var offlineMessages: Whole<1, 1_000_000_000>
    var inMemory: Whole<1, 1_000_000_000>
    var octets: ByteSize
    var policy: Policy
    var timeToLive: Duration?
    var longestHoldBack: Duration

    enum CodingKeys: String, CodingKey {
        case octets, policy
        case timeToLive = "time_to_live"
        case inMemory = "in_memory"
        case onlineMessages = "online_messages"
        case offlineMessages = "offline_messages"
        case longestHoldBack = "longest_hold_back"
    }
}
