import Settings

struct MQTTSettings: Decodable, Sendable {
    var maxPacketSize: ByteSize
    var maxUnfinished: ByteSize
    var connectTimeout: Duration
    var maxConnections: Whole<1, 1_000_000_000>
    var connectionsPerLoop: Whole<1, 1_000_000>
    var receiveMaximum: Whole<1, 65_535>
    var enforceReceiveMaximum: Bool
    var inflightWindow: Whole<1, 65_535>
    var topicAliasMaximum: Whole<0, 65_535>
    var outgoingTopicAliases: Whole<0, 65_535>
    /// Whole seconds; checked by `Configuration+Check`.
    var maxKeepAlive: Duration?
    var maxQoS: Whole<0, 2>
    var retain: Bool
    var wildcardSubscriptions: Bool
    var subscriptionIdentifiers: Bool
    var sharedSubscriptions: Bool
    var validatePayloadFormat: Bool
    var responseInformation: String?
    var redirect: RedirectSettings
    var tcp: MQTTListenerSettings
    var tls: MQTTTLSSettings
    var ws: MQTTWebSocketSettings
    var wss: MQTTSecureWebSocketSettings
    var unix: MQTTUnixSettings

    enum CodingKeys: String, CodingKey {
        case tcp, tls, ws, wss, unix, retain, redirect
        case maxPacketSize = "max_packet_size"
        case maxUnfinished = "max_unfinished"
        case connectTimeout = "connect_timeout"
        case maxConnections = "max_connections"
        case connectionsPerLoop = "connections_per_loop"
        case receiveMaximum = "receive_maximum"
        case enforceReceiveMaximum = "enforce_receive_maximum"
        case inflightWindow = "inflight_window"
        case topicAliasMaximum = "topic_alias_maximum"
        case outgoingTopicAliases = "outgoing_topic_aliases"
        case maxKeepAlive = "max_keep_alive"
        case maxQoS = "max_qos"
        case wildcardSubscriptions = "wildcard_subscriptions"
        case subscriptionIdentifiers = "subscription_identifiers"
        case sharedSubscriptions = "shared_subscriptions"
        case validatePayloadFormat = "validate_payload_format"
        case responseInformation = "response_information"
    }
}

struct RedirectSettings: Decodable, Sendable {
    /// Nil to let clients in.
    var to: String?
    var permanent: Bool
}
