import Messaging
import Synchronization

/// Answers that wait until what they acknowledge is stored. The Broker port can only be asked, so it is asked every
/// millisecond while something waits; stores commit every one or two.
final class CommitQueue: Sendable {
    private struct State {
        var waiting: [(point: CommitPoint, answer: @Sendable () -> Void)] = []
        var isAsking = false
    }

    private static let interval = Duration.milliseconds(1)

    private let server: CoAPServer
    private let broker: any Broker
    private let state = Mutex(State())

    init(server: CoAPServer, broker: any Broker) {
        self.server = server
        self.broker = broker
    }

    /// Calls `answer` when `point` has passed: now, or later on the CoAP thread.
    func whenCommitted(_ point: CommitPoint, _ answer: @escaping @Sendable () -> Void) {
        guard !broker.isCommitted(point) else { return answer() }
        let begins = state.withLock { state in
            state.waiting.append((point, answer))
            defer { state.isAsking = true }
            return !state.isAsking
        }
        if begins { askLater() }
    }

    private func askLater() { server.perform(after: Self.interval) { [self] in ask() } }

    private func ask() {
        // Commit points pass in order, so asking once for each waiting answer is enough, whoever waits first.
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        let left = waiting.filter { entry in
            guard broker.isCommitted(entry.point) else { return true }
            entry.answer()
            return false
        }
        let goesOn = state.withLock { state in
            state.waiting = left + state.waiting
            state.isAsking = !state.waiting.isEmpty
            return state.isAsking
        }
        if goesOn { askLater() }
    }
}
