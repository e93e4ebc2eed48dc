import Settings

struct SharedSubscriptionSettings: Decodable, Sendable {
    enum Strategy: String, Choice {
        case random, sticky
        case roundRobin = "round_robin"
        case hashClientID = "hash_clientid"
        case hashTopic = "hash_topic"
    }

    var strategy: Strategy
}

struct DelayedSettings: Decodable, Sendable {
    var enabled: Bool
    var messages: Whole<0, 1_000_000_000>
    var octets: ByteSize
}

/// Keys are those of EMQX.
struct RewriteSettings: Decodable, Sendable {
    enum Action: String, Choice { case publish, subscribe, all }

    var action: Action
    var sourceTopic: String
    var expression: String
    var destinationTopic: String

    enum CodingKeys: String, CodingKey {
        case action
        case expression = "re"
        case sourceTopic = "source_topic"
        case destinationTopic = "dest_topic"
    }
}

/// Keys are those of EMQX; options are those of a subscription (MQTT 5.0, 3.8.3.1).
struct AutoSubscribeSettings: Decodable, Sendable {
    var topic: String
    var qos: Whole<0, 2>?
    var noLocal: Bool?
    var retainAsPublished: Bool?
    var retainHandling: Whole<0, 2>?

    enum CodingKeys: String, CodingKey {
        case topic, qos
        case noLocal = "nl"
        case retainAsPublished = "rap"
        case retainHandling = "rh"
    }
}
