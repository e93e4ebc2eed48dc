package import Messaging
import Synchronization

extension CoreBroker {
    /// Takes the numbers of all sessions; cost grows with their count. Clients cannot connect meanwhile, but publish.
    package func statistics() -> BrokerStatistics {
        var statistics = BrokerStatistics()
        sessions.withLock { table in
            statistics.ledger = table.departed
            statistics.sessions = table.count
            statistics.traffic = traffic.readings
            for session in table.all { session.state.withLock { statistics.add($0, of: session.clientID) } }
        }
        let unrouted = traffic.unrouted.current
        statistics.ledger.accepted += unrouted
        statistics.ledger[dropped: .noSubscribers] += unrouted
        routing.read { routing in
            statistics.subscriptions = routing.index.count
            statistics.sharedSubscriptions = routing.index.sharedCount
        }
        retained.withLock { retained in
            statistics.retainedMessages = retained.count
            statistics.retainedOctets = retained.octets
        }
        for source in retainedSources.withLock({ $0 }) {
            let totals = source.totals
            statistics.retainedMessages += totals.messages
            statistics.retainedOctets += totals.octets
        }
        statistics.isMemoryTight = memoryShare.load(ordering: .relaxed) != .max
        statistics.delayedMessages = delayed.withLock { $0.count }
        return statistics
    }
}

extension BrokerStatistics {
    /// Sessions in `losses` at most.
    private static let mostLosses = 20

    fileprivate mutating func add(_ state: borrowing SessionState, of clientID: ClientID) {
        let report = state.mailbox.report
        ledger += report.account
        note(SessionLoss(clientID, report), SessionLoss.messages(report))
        mailboxMessages.observe(Double(report.messages))
        fullestMailbox = max(fullestMailbox, report.messages)
        mailboxOctets += report.octets
        guard let attachment = state.attachment else { return }
        attached += 1
        if state.reachability == .asleep { asleep += 1 }
        traffic[attachment.traffic.index].attached += 1
    }

    /// Notes what a session lost, if that belongs to the most.
    private mutating func note(_ loss: @autoclosure () -> SessionLoss, _ messages: UInt64) {
        guard messages > 0, losses.count < Self.mostLosses || messages > losses.last?.messages ?? 0 else { return }
        let place = losses.firstIndex { $0.messages < messages } ?? losses.endIndex
        losses.insert(loss(), at: place)
        if losses.count > Self.mostLosses { losses.removeLast() }
    }
}
