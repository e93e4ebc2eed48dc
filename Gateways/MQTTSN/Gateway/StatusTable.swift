import Messaging
import Synchronization

/// The status of each client as it was published last: what stands under `$SYS/broker/mqttsn/clients/`. It takes about 80 octets for
/// each, where a retained message takes 500.
///
/// Written by the gateway's loop, read by whoever subscribes.
final class StatusTable: RetainedSource {
    private let clock: any GatewayClock
    /// Clients at most, those that have gone and are still told of included.
    private let limit: Int
    private let rows = Mutex(StatusRows())

    let root = ClientStatus.root

    init(clock: any GatewayClock, limit: Int) {
        self.clock = clock
        self.limit = limit
    }

    // MARK: Writing

    /// Takes down a client's status.
    /// - Parameter expiresAt: when it is forgotten again, for a client that has gone.
    /// - Returns: the message for those who have subscribed already; nil when nothing has changed, or there is no room.
    func update(_ clientID: ClientID, _ status: ClientStatus, until expiresAt: Timestamp = .never) -> Message? {
        let (known, hasRoom) = rows.withLock { ($0.status(of: clientID), $0.count < limit) }
        guard known != status, known != nil || hasRoom, let message = message(clientID, status, until: expiresAt)
        else { return nil }
        rows.withLock { $0.put(clientID, status, octets: message.octets, until: expiresAt) }
        return message
    }

    /// Forgets a client.
    /// - Returns: the message that says so (MQTT 5.0, 3.3.1.3).
    func remove(_ clientID: ClientID) -> Message? {
        guard rows.withLock({ $0.remove(clientID) }), let topic = ClientStatus.topic(of: clientID) else { return nil }
        return message(topic, [], until: .never)
    }

    /// Forgets clients that have gone, when their time is over.
    func removeExpired() {
        let now = clock.now()
        rows.withLock { $0.removeExpired(now: now) }
    }

    /// When `removeExpired` is next needed.
    var nextExpiry: Timestamp? {
        let time = rows.withLock { $0.nextExpiry }
        return time == .never ? nil : time
    }

    // MARK: RetainedSource

    var totals: (messages: Int, octets: Int) { rows.withLock { ($0.count, $0.octets) } }

    func message(of topic: TopicName) -> Message? {
        guard let clientID = ClientStatus.clientID(of: topic) else { return nil }
        let (status, expiresAt) = rows.withLock { ($0.status(of: clientID), $0.expiry(of: clientID)) }
        return status.flatMap { message(clientID, $0, until: expiresAt) }
    }

    func collect(_ filter: TopicFilter, limit: Int, into messages: inout [Message]) {
        if let topic = filter.topicName {
            if messages.count < limit, let message = message(of: topic) { messages.append(message) }
            return
        }
        // Texts are made when the lock is given back: the loop does not wait for them.
        for (clientID, status, expiresAt) in rows.withLock({ $0.all }) {
            guard messages.count < limit else { return }
            if let message = message(clientID, status, until: expiresAt), filter.matches(message.topic) {
                messages.append(message)
            }
        }
    }

    private func message(_ clientID: ClientID, _ status: ClientStatus, until expiresAt: Timestamp) -> Message? {
        ClientStatus.topic(of: clientID).map { message($0, Array(status.json.utf8), until: expiresAt) }
    }

    private func message(_ topic: TopicName, _ payload: [UInt8], until expiresAt: Timestamp) -> Message {
        Message(
            topic: topic, payload: payload, qos: .atLeastOnce, retain: true, publishedAt: clock.now(),
            expiresAt: expiresAt)
    }
}
