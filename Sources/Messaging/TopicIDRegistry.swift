/// The normal topic ids of one session (MQTT-SN 1.2, 6.5): numbers 1...65,534 that stand for topic names.
///
/// Predefined ids (`Broker.predefinedTopics`) and two-octet short names are number spaces of their own: the same number
/// there means another topic. Ids live as long as the session.
public protocol TopicIDRegistry: Sendable {
    /// The id of `topic`, allotting one when it has none. Nil when `BrokerLimits.topicIDsPerSession` is reached.
    func register(_ topic: TopicName) -> UInt16?
    /// The name an id stands for.
    func topic(of id: UInt16) -> TopicName?
    /// The id of a topic that has one.
    func id(of topic: TopicName) -> UInt16?
    /// Whether the client knows the id: it asked for it, or confirmed the gateway's REGISTER.
    func isKnownToClient(_ id: UInt16) -> Bool
    /// Notes that the client knows (true) or has forgotten (false) the id.
    func setKnownToClient(_ id: UInt16, _ known: Bool)
}

/// Topic ids gateway and clients agreed on beforehand, in their own number space.
public struct PredefinedTopics: Sendable {
    private var topics: [UInt16: TopicName] = [:]
    private var ids: [TopicName: UInt16] = [:]

    public init() {}

    /// - Returns: false when `id` is 0 or 65,535, or when id or topic is taken already.
    public mutating func insert(_ id: UInt16, _ topic: TopicName) -> Bool {
        guard id != 0, id != .max, topics[id] == nil, ids[topic] == nil else { return false }
        topics[id] = topic
        ids[topic] = id
        return true
    }

    public func topic(of id: UInt16) -> TopicName? { topics[id] }
    public func id(of topic: TopicName) -> UInt16? { ids[topic] }
    public var isEmpty: Bool { topics.isEmpty }
}
