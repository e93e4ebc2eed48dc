import Messaging
import Synchronization

extension CoreBroker {
    // MARK: Giving back

    /// An adapter has not sent a delivery at QoS 0 that it had taken. When the session has ended meanwhile, the copy is
    /// accounted for like the rest of its mailbox.
    func giveBack(_ delivery: Delivery, to session: Session) {
        let (isKept, wake) = session.giveBack(delivery)
        guard !isKept else {
            wake?.wake()
            return
        }
        sessions.withLock { table in
            table.departed.delivered -= 1
            table.departed[dropped: .sessionEnded] += 1
        }
    }

    // MARK: Holding back

    func holdBack(_ publisher: SessionAttachment, for receiver: Session) {
        // A client that subscribes to what it publishes must be read from to empty its own mailbox.
        guard receiver !== publisher.session else { return }
        let now = clock.now()
        guard held.withLock({ $0.begin(publisher, receiver, now: now) }) else { return }
        if !receiver.holdBack(publisher, limits: limits.mailbox) { publisher.relieve(from: receiver) }
    }

    /// Lets go publishers that have been held back for the longest time allowed. The receivers at fault hold nobody back
    /// until they have caught up.
    func releaseOverdueHoldBacks(now: Timestamp) {
        let deadline = now + (.zero - limits.mailbox.longestHoldBack)
        for (publisher, receivers) in held.withLock({ $0.overdue(since: deadline) }) {
            for receiver in receivers {
                for released in receiver.stall() { released.relieve(from: receiver) }
                publisher.relieve(from: receiver)
            }
        }
    }
}
