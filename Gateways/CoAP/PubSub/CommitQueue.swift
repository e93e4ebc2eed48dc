import Messaging

/// Answers that wait until what they acknowledge is stored.
struct CommitQueue: Sendable {
    private let server: CoAPServer
    private let broker: any Broker

    init(server: CoAPServer, broker: any Broker) {
        self.server = server
        self.broker = broker
    }

    /// Calls `answer` when `point` has passed: now, or later on the CoAP thread.
    func whenCommitted(_ point: CommitPoint, _ answer: @escaping @Sendable () -> Void) {
        guard !broker.isCommitted(point) else { return answer() }
        broker.whenCommitted(point) { [server] in server.perform(answer) }
    }
}
