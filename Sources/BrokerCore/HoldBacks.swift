import Messaging
import Synchronization

/// Which mailboxes publishers wait for. A publisher goes on when the last of them has drained, or when it has waited long enough. One
/// table for all, as few wait at a time; who does sees it at its own attachment (`isWaiting`).
struct HoldBacks: ~Copyable {
    private struct Waits {
        let publisher: SessionAttachment
        /// When the first wait of all began.
        let since: Timestamp
        var receivers: [Session]
    }

    private var waits: [ObjectIdentifier: Waits] = [:]

    /// - Returns: whether the session was not waited for yet.
    mutating func begin(_ publisher: SessionAttachment, _ session: Session, now: Timestamp) -> Bool {
        let key = ObjectIdentifier(publisher)
        guard let known = waits[key] else {
            waits[key] = Waits(publisher: publisher, since: now, receivers: [session])
            publisher.isWaiting.store(true, ordering: .relaxed)
            return true
        }
        guard !known.receivers.contains(where: { $0 === session }) else { return false }
        waits[key]?.receivers.append(session)
        return true
    }

    /// - Returns: whether nothing is waited for any more.
    mutating func end(_ publisher: SessionAttachment, _ session: Session) -> Bool {
        let key = ObjectIdentifier(publisher)
        guard let index = waits[key]?.receivers.firstIndex(where: { $0 === session }) else { return false }
        waits[key]?.receivers.remove(at: index)
        guard waits[key]?.receivers.isEmpty == true else { return false }
        waits[key] = nil
        publisher.isWaiting.store(false, ordering: .relaxed)
        return true
    }

    /// Who has waited since before `deadline`, and for whom.
    func overdue(since deadline: Timestamp) -> [(publisher: SessionAttachment, receivers: [Session])] {
        waits.values.filter { $0.since <= deadline }.map { ($0.publisher, $0.receivers) }
    }
}
