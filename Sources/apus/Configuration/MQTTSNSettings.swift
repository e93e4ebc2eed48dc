import Settings

/// The section `mqttsn`. What each key means, its default and its range stand in `DefaultSettings`.
struct MQTTSNSettings: Decodable, Sendable {
    enum Roaming: String, Choice { case none, authenticated, port, address }
    enum Profile: String, Choice { case standard, emcute, asymcute, zephyr, contiki, paho }

    var udp: ListenerSettings
    var dtls: DTLSListenerSettings
    var gatewayID: Whole<0, 255>
    var retryInterval: Duration
    var retryCount: Whole<0, 20>
    var longTolerance: Whole<0, 1_000>
    var shortTolerance: Whole<0, 1_000>
    var maxClientID: Whole<1, 1_024>
    var maxPacketSize: Whole<60, 65_535>
    var toleratesTail: Bool
    var sessionExpiry: Duration?
    var roaming: Roaming
    var forwarders: [String]?
    var connectionlessPublish: Bool
    var maxHandshakes: Whole<1, 1_000_000>
    var strangersPerSecond: Whole<0, 1_000_000>
    var clientStatus: Bool
    var version2Draft: Bool
    var version2Strangers: Bool
    var profile: Profile
    /// Profile by client id pattern.
    var profiles: [String: Profile]
    /// Topic name by id; checked by `Configuration.check`.
    var predefinedTopics: [String: String]
    /// The same by client id pattern.
    var clientTopics: [String: [String: String]]
    var sleep: Sleep
    var advertise: Advertise

    struct Sleep: Decodable, Sendable {
        var maxDuration: Whole<1, 65_535>
        var messagesPerWake: Whole<1, 1_000_000>?
        var messages: Whole<1, 1_000_000_000>
        var octets: ByteSize
        var policy: MailboxSettings.Policy
        var timeToLive: Duration?

        enum CodingKeys: String, CodingKey {
            case messages, octets, policy
            case maxDuration = "max_duration"
            case messagesPerWake = "messages_per_wake"
            case timeToLive = "time_to_live"
        }
    }

    struct Advertise: Decodable, Sendable {
        var interval: Whole<1, 65_535>?
        var address: String
        var group: String?
        var interface: String?
    }

    enum CodingKeys: String, CodingKey {
        case udp, dtls, roaming, forwarders, profile, profiles, sleep, advertise
        case gatewayID = "gateway_id"
        case retryInterval = "retry_interval"
        case retryCount = "retry_count"
        case longTolerance = "long_tolerance"
        case shortTolerance = "short_tolerance"
        case maxClientID = "max_client_id"
        case maxPacketSize = "max_packet_size"
        case toleratesTail = "tolerates_tail"
        case sessionExpiry = "session_expiry"
        case connectionlessPublish = "connectionless_publish"
        case maxHandshakes = "max_handshakes"
        case strangersPerSecond = "strangers_per_second"
        case clientStatus = "client_status"
        case version2Draft = "version_2_draft"
        case version2Strangers = "version_2_strangers"
        case predefinedTopics = "predefined_topics"
        case clientTopics = "client_topics"
    }
}
