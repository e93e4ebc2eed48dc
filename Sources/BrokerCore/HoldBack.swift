import Messaging
import Synchronization

/// Which mailboxes a publisher waits for. It goes on when the last of them has drained, or when it has waited long enough. Part of
/// its attachment, which every client has, so that those who never wait cost no more than this.
struct HoldBack: ~Copyable, Sendable {
    struct Wait {
        let session: Session
        /// When the first wait of all began.
        let since: Timestamp
    }

    private let waits = Mutex<[Wait]>([])
    private let isActive = Atomic<Bool>(false)

    var isHeld: Bool { isActive.load(ordering: .relaxed) }

    /// - Returns: whether the session was not waited for yet.
    func begin(_ session: Session, now: Timestamp) -> Bool {
        waits.withLock { waits in
            guard !waits.contains(where: { $0.session === session }) else { return false }
            waits.append(Wait(session: session, since: waits.first?.since ?? now))
            isActive.store(true, ordering: .relaxed)
            return true
        }
    }

    /// - Returns: whether nothing is waited for any more.
    func end(_ session: Session) -> Bool {
        waits.withLock { waits in
            guard let index = waits.firstIndex(where: { $0.session === session }) else { return false }
            waits.remove(at: index)
            guard waits.isEmpty else { return false }
            isActive.store(false, ordering: .relaxed)
            return true
        }
    }

    /// The sessions waited for since before `deadline`.
    func overdue(since deadline: Timestamp) -> [Session] {
        waits.withLock { waits in
            guard let since = waits.first?.since, since <= deadline else { return [] }
            return waits.map(\.session)
        }
    }
}
