/// Which promise an acknowledgement makes, by topic and by listener.
///
/// A message's level is that of the topic filters that match it, the strongest of them; else that of the listener its
/// publisher came in by; else the general one. A session's level is that of its listener, else the general one. A
/// delivery is kept when neither its session nor its message is at `memory`. Retained messages go by topic alone, as listeners
/// share them.
public struct DurabilityPolicy: Sendable {
    public var general: Durability
    /// By name as in the settings: `mqttsn.udp`.
    public var listeners: [String: Durability]
    public var topics: [(filter: TopicFilter, level: Durability)]

    public init(
        general: Durability = .disk, listeners: [String: Durability] = [:],
        topics: [(filter: TopicFilter, level: Durability)] = []
    ) {
        self.general = general
        self.listeners = listeners
        self.topics = topics
    }

    /// The strongest level anything can have: `memory` when no store is needed.
    public var strongest: Durability {
        max(general, listeners.values.max() ?? .memory, topics.map(\.level).max() ?? .memory)
    }

    /// - Parameter listenerLevel: that of the publisher's listener; nil when it has none of its own.
    public func level(of topic: TopicName, listenerLevel: Durability? = nil) -> Durability {
        // The gateway's own figures are made anew at every start.
        if topic.isReserved, topic.string.utf8.starts(with: "$SYS/".utf8) { return .memory }
        if !topics.isEmpty, let level = topics.lazy.filter({ $0.filter.matches(topic) }).map(\.level).max() {
            return level
        }
        return listenerLevel ?? general
    }
    /// The same for the topic of a message, which counts references and so is looked at only where it means something.
    @inline(__always)
    public func level(of message: Message, listenerLevel: Durability? = nil) -> Durability {
        guard message.isReserved || !topics.isEmpty else { return listenerLevel ?? general }
        return level(of: message.topic, listenerLevel: listenerLevel)
    }
}
