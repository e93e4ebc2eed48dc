package import Logging
package import Messaging
import Synchronization

/// Hears what happens to clients: logs it and keeps the counts that $SYS topics show.
package final class EventLog: EventSink {
    /// Metadata keys of this target's log records.
    private enum Key {
        static let client = "client"
        static let peer = "peer"
        static let previousPeer = "previous_peer"
        static let listener = "listener"
        static let reason = "reason"
        static let topic = "topic"
        static let filter = "filter"
        static let sessionPresent = "session_present"
    }

    private let logger: Logger
    private let connected = Atomic<Int>(0)
    private let maximum = Atomic<Int>(0)
    private let accepted = Counter()
    private let refused = ConnectRefusal.allCases.map { (reason: $0, counter: Counter()) }
    private let expired = Counter()

    package init(logger: Logger) {
        self.logger = logger
    }

    /// What was heard so far.
    package var counts: ClientCounts {
        ClientCounts(
            connected: max(0, connected.load(ordering: .relaxed)), maximum: maximum.load(ordering: .relaxed),
            accepted: accepted.current, refusedByReason: refused.map { ($0.reason, $0.counter.current) },
            expired: expired.current)
    }

    package func record(_ event: BrokerEvent) {
        count(event)
        switch event {
        case .connected(let client, let peer, let sessionPresent):
            logger.debug(
                "client connected",
                metadata: [
                    Key.client: "\(client)", Key.peer: "\(peer.address)", Key.listener: "\(peer.listener)",
                    Key.sessionPresent: "\(sessionPresent)",
                ])
        case .refused(let client, let peer, let refusal):
            logger.info(
                "client refused",
                metadata: [
                    Key.client: "\(client.map { "\($0)" } ?? "")", Key.peer: "\(peer.address)",
                    Key.listener: "\(peer.listener)", Key.reason: "\(refusal)",
                ])
        case .disconnected(let client, let reason):
            logger.debug("client disconnected", metadata: [Key.client: "\(client)", Key.reason: "\(reason)"])
        case .closed(let client, let reason):
            logger.debug(
                "connection ended by the gateway", metadata: [Key.client: "\(client)", Key.reason: "\(reason)"])
        case .fellAsleep(let client):
            logger.debug("client fell asleep", metadata: [Key.client: "\(client)"])
        case .wokeUp(let client):
            logger.debug("client woke up", metadata: [Key.client: "\(client)"])
        case .late(let client):
            logger.info("client did not wake in time", metadata: [Key.client: "\(client)"])
        case .roamed(let client, let from, let to):
            logger.debug(
                "client moved", metadata: [Key.client: "\(client)", Key.peer: "\(to)", Key.previousPeer: "\(from)"])
        case .topicIDsExhausted(let client):
            logger.warning("all topic ids of a client are in use", metadata: [Key.client: "\(client)"])
        case .sessionExpired(let client):
            logger.debug("session expired", metadata: [Key.client: "\(client)"])
        case .willPublished(let client, let topic):
            logger.debug("will published", metadata: [Key.client: "\(client)", Key.topic: "\(topic)"])
        case .subscriptionEnded(let client, let filter):
            logger.info(
                "subscription ended: its right was taken away",
                metadata: [Key.client: "\(client)", Key.filter: "\(filter)"])
        case .memoryTight(true):
            logger.warning("memory is above its limit: mailboxes take in no more than their share of it")
        case .memoryTight(false): logger.notice("memory is below its limit again")
        case .dropping(let client, let reason):
            logger.warning(
                "messages for a client are being dropped",
                metadata: [Key.client: "\(client)", Key.reason: "\(reason.name)"])
        }
    }

    private func count(_ event: BrokerEvent) {
        switch event {
        case .connected:
            accepted.add()
            let now = connected.wrappingAdd(1, ordering: .relaxed).newValue
            _ = maximum.max(now, ordering: .relaxed)
        case .disconnected, .closed: connected.wrappingSubtract(1, ordering: .relaxed)
        case .refused(_, _, let reason): refused.first { $0.reason == reason }?.counter.add()
        case .sessionExpired: expired.add()
        case .fellAsleep, .wokeUp, .late, .roamed, .topicIDsExhausted, .willPublished, .subscriptionEnded, .dropping,
            .memoryTight:
            break
        }
    }
}

/// Clients as `EventLog` counted them.
package struct ClientCounts: Sendable {
    /// Attached now, awake or asleep.
    package var connected: Int
    /// Most that were attached at once.
    package var maximum: Int
    /// Let in since the start, and refused.
    package var accepted: UInt64
    package var refusedByReason: [(reason: ConnectRefusal, count: UInt64)]
    /// Sessions whose time ran out.
    package var expired: UInt64

    package init(
        connected: Int = 0, maximum: Int = 0, accepted: UInt64 = 0,
        refusedByReason: [(reason: ConnectRefusal, count: UInt64)] = [], expired: UInt64 = 0
    ) {
        self.connected = connected
        self.maximum = maximum
        self.accepted = accepted
        self.refusedByReason = refusedByReason
        self.expired = expired
    }
}
