import Messaging
import Synchronization

/// Messages of a shared subscription whose member's session has ended go to another member (MQTT 5.0, 4.8.2).
extension CoreBroker {
    /// Puts each into the mailbox of another member. To be called with the sessions table locked, so that no look at the
    /// ledger falls between a copy's leaving and its arrival.
    /// - Returns: the account of those that found none.
    func redeliver(_ orphans: [Mailbox.Entry], wakes: inout [SessionAttachment]) -> DropLedger {
        var lost = DropLedger()
        for orphan in orphans {
            guard let (session, entry) = successor(for: orphan) else {
                lost.accepted += 1
                lost[dropped: .sessionEnded] += 1
                continue
            }
            let receiver = RouteScratch.Merged(entry)
            let (effects, _) = session.put(
                orphan.message, as: receiver,
                durability: durability.level(of: orphan.message), limits: limits.mailbox,
                clock: clock)
            if let wake = effects.wake { wakes.append(wake) }
        }
        return lost
    }

    private func successor(for orphan: Mailbox.Entry) -> (Session, SubscriptionIndex.Recipient)? {
        var matches = Matches()
        return routing.read { routing in
            orphan.message.withOctets { topic, _ in routing.index.match(topic, into: &matches) }
            guard matches.groups.contains(orphan.share) else { return nil }
            let entry = routing.index.pick(from: orphan.share, by: features.shareStrategy, for: orphan.message) {
                subscriber in
                routing.sessions[Int(subscriber)]?.isListening.load(ordering: .relaxed) == true
            }
            guard let session = routing.sessions[Int(entry.subscriber)],
                !isLeftOut(orphan.message, for: entry, routing)
            else { return nil }
            return (session, entry)
        }
    }
}
