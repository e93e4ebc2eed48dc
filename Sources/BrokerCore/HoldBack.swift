import Messaging
import Synchronization

/// Which mailboxes a publisher waits for. It goes on when the last of them has drained, or when it has waited long enough.
final class HoldBack: Sendable {
    private struct State {
        var sessions: [Session] = []
        var since = Timestamp.never
    }

    private let state = Mutex(State())
    private let isActive = Atomic<Bool>(false)

    var isHeld: Bool { isActive.load(ordering: .relaxed) }

    /// - Returns: whether the session was not waited for yet.
    func begin(_ session: Session, now: Timestamp) -> Bool {
        state.withLock { state in
            guard !state.sessions.contains(where: { $0 === session }) else { return false }
            if state.sessions.isEmpty { state.since = now }
            state.sessions.append(session)
            isActive.store(true, ordering: .relaxed)
            return true
        }
    }

    /// - Returns: whether nothing is waited for any more.
    func end(_ session: Session) -> Bool {
        state.withLock { state in
            guard let index = state.sessions.firstIndex(where: { $0 === session }) else { return false }
            state.sessions.remove(at: index)
            guard state.sessions.isEmpty else { return false }
            isActive.store(false, ordering: .relaxed)
            return true
        }
    }

    /// The sessions waited for since before `deadline`.
    func overdue(since deadline: Timestamp) -> [Session] {
        state.withLock { $0.sessions.isEmpty || $0.since > deadline ? [] : $0.sessions }
    }
}
