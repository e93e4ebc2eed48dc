/// Port: hears what happens to clients and sessions. Implementations return quickly and never call back into the broker.
public protocol EventSink: Sendable {
    func record(_ event: BrokerEvent)
}

/// What happened, for logs, $SYS topics and rules. Nothing per message is here: messages are counted (`DropLedger`).
public enum BrokerEvent: Sendable, Equatable {
    case connected(ClientID, Peer, sessionPresent: Bool)
    case refused(ClientID?, Peer, ConnectRefusal)
    case disconnected(ClientID, DetachReason)
    case closed(ClientID, CloseReason)
    case fellAsleep(ClientID)
    case wokeUp(ClientID)
    /// A sleeping client has not woken when it said it would; it is not given up yet.
    case late(ClientID)
    /// A client was heard from another address than before (numeric address and port).
    case roamed(ClientID, from: String, to: String)
    /// All topic ids of a session are in use; messages and registrations of further topics are refused.
    case topicIDsExhausted(ClientID)
    case sessionExpired(ClientID)
    case willPublished(ClientID, TopicName)
    /// A right was taken away, and with it a subscription that relied on it.
    case subscriptionEnded(ClientID, TopicFilter)
    /// The first drop for a reason since the session's mailbox last had room; further ones are only counted.
    case dropping(ClientID, DropReason)
    /// The process holds more memory than it is to (`BrokerLimits.memory`), or no longer does.
    case memoryTight(Bool)
}

/// Records nothing.
public struct SilentEventSink: EventSink {
    public init() {}
    public func record(_ event: BrokerEvent) {}
}
