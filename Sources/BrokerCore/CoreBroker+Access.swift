import Messaging
import Synchronization

/// A changed right takes effect on live sessions.
extension CoreBroker {
    /// To be called once the authenticator and the authorizer answer by new rules. Goes over all sessions, connected or not:
    ///
    /// - A connected client whose proof holds no longer is disconnected, as by an administrator.
    /// - Subscriptions that would now be refused end; of others that are now allowed in part, only the allowed part is
    ///   delivered from here on.
    /// - Messages that wait and may not be received any more are dropped and counted (`DropReason.notAuthorized`). What is on
    ///   the way already goes its way.
    ///
    /// Costs about a subscription check for each subscription there is. Publishing goes on meanwhile.
    package func recheckAccess() {
        accessVersion.add(1, ordering: .sequentiallyConsistent)
        for session in sessions.withLock({ Array($0.all) }) { recheck(session) }
    }

    func recheck(_ session: Session) {
        let (principal, attachment) = session.state.withLock { ($0.principal, $0.attachment) }
        guard principal.kind != .gateway else { return }
        if let attachment, !stillHolds(attachment.principal) { disconnect(attachment) }
        for filter in recheckRights(of: session, as: principal) {
            events.record(.subscriptionEnded(session.clientID, filter))
        }
    }

    /// Whether what `principal` proved when it came in still holds.
    func stillHolds(_ principal: Principal) -> Bool {
        principal.isProvenByConnection || authenticator.stillHolds(principal)
    }

    private func disconnect(_ attachment: SessionAttachment) {
        guard release(attachment, reason: .lost, expiry: nil) else { return }
        events.record(.closed(attachment.clientID, .administrative))
        attachment.close(.administrative)
    }

    /// Brings subscriptions and mailbox in line with what `principal` may do. To be called without the session's lock.
    /// - Parameter resumes: somebody else goes on with the session, so that what is on the way is looked at, too.
    /// - Returns: the subscriptions that ended.
    func recheckRights(of session: Session, as principal: Principal, resumes: Bool = false) -> [TopicFilter] {
        let filters = routing.read { routing in
            routing.holds(session) ? routing.index.filters(of: session.subscriber) : []
        }
        var ended: [TopicFilter] = []
        for filter in filters {
            // The index spells out what it was given, so it is a filter.
            guard let filter = try? TopicFilter(filter) else { continue }
            switch access(to: filter, by: principal) {
            case .refused: if remove(filter, of: session) { ended.append(filter) }
            case .partial: setPartial(true, filter, of: session)
            case .full: setPartial(false, filter, of: session)
            }
        }
        session.state.withLock { state in
            let isUnwanted = { @Sendable [authorizer] (message: Message) in
                !authorizer.allows(.receive(message.topic), by: principal)
            }
            state.mailbox.dropWaiting(Mailbox.Unwanted(reason: .notAuthorized, isUnwanted: isUnwanted))
            if resumes { state.mailbox.dropOnTheWay(.notAuthorized, where: isUnwanted) }
        }
        return ended
    }

    private func setPartial(_ isPartial: Bool, _ filter: TopicFilter, of session: Session) {
        routing.write { routing in
            guard routing.holds(session) else { return }
            routing.index.setPartial(isPartial, filter, of: session.subscriber)
        }
    }
}

// MARK: - A message's own questions

extension CoreBroker {
    func mayPublish(_ message: Message, _ principal: Principal) -> Bool {
        !isRestricted || principal.kind == .gateway || authorizer.allows(.publish(message.topic), by: principal)
    }

    func mayReceive(_ message: Message, _ principal: Principal) -> Bool {
        !isRestricted || principal.kind == .gateway || authorizer.allows(.receive(message.topic), by: principal)
    }
}
