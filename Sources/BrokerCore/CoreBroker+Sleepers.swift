package import Messaging
import Synchronization

/// Clients that slept when the process before ended sleep on.
extension CoreBroker {
    package func resumeSleeper(_ request: SleeperRequest, owner: any SessionOwner) -> ResumedSleeper? {
        guard let session = sessions.withLock({ $0[request.clientID] }) else { return nil }
        let left = session.state.withLock { $0.principal }
        let principal = request.proven ?? left
        // What was proved to the process before by a password is proved to nobody now.
        guard principal.kind == left.kind, stillHolds(principal),
            let attachment = attachSleeper(session, request, principal, owner)
        else { return nil }
        watchSilence(of: attachment)
        return ResumedSleeper(attachment: attachment, silentAt: attachment.silentAt)
    }

    /// - Returns: nil when the session's client did not sleep.
    private func attachSleeper(
        _ session: Session, _ request: SleeperRequest, _ principal: Principal, _ owner: any SessionOwner
    ) -> SessionAttachment? {
        session.state.withLock { state in
            guard state.attachment == nil, !state.hasEnded, state.silentAt != .never else { return nil }
            state.epoch &+= 1
            state.reachability = .asleep
            state.isArmed = true
            state.mailboxTerms = request.mailboxTerms
            if request.mailboxTerms?.limits.policy == .rejectPublisher { mayRefuse.store(true, ordering: .relaxed) }
            state.mailbox.reconnect(
                receiveMaximum: max(1, request.receiveMaximum),
                octetsOnTheWay: (request.mailboxTerms?.limits ?? limits.mailbox).octets)
            let attachment = SessionAttachment(
                session: session, epoch: state.epoch, owner: owner, number: request.clientNumber, principal: principal,
                broker: self,
                silence: request.silence, durability: durability.listeners[request.listener],
                traffic: traffic[request.listener])
            attachment.sleeps(until: state.silentAt)
            state.attachment = attachment
            return attachment
        }
    }
}
