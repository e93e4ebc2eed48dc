package import Messaging
import Synchronization

/// The core's numbers at one moment.
package struct BrokerStatistics: Sendable {
    package var sessions = 0
    package var attached = 0
    package var asleep = 0
    package var subscriptions = 0
    package var sharedSubscriptions = 0
    package var retainedMessages = 0
    package var retainedOctets = 0
    /// Messages that wait for their time (`$delayed/…`). They enter the ledger when it has come.
    package var delayedMessages = 0
    /// Messages waiting in each session's mailbox or on the way to its client; one observation for each session.
    package var mailboxMessages = HistogramReading(bounds: [0, 1, 10, 100, 1_000, 10_000, 100_000])
    /// Messages of the fullest mailbox.
    package var fullestMailbox = 0
    /// Octets waiting in all mailboxes. A message that waits in several counts in each, though it is in memory once.
    package var mailboxOctets = 0
    package var traffic: [TrafficReading] = []
    package var ledger = DropLedger()
    /// The sessions that lost most, the worst first.
    package var losses: [SessionLoss] = []

    /// Sessions in `losses` at most.
    private static let mostLosses = 20

    /// Messages accepted from publishers, whatever the QoS, and their octets.
    package var messagesReceived: UInt64 { traffic.reduce(0) { $0 + $1.received.messages } }
    package var octetsReceived: UInt64 { traffic.reduce(0) { $0 + $1.received.octets } }
    /// Messages whose publisher was refused because a receiver's mailbox was full. They are not in the ledger.
    package var messagesRefused: UInt64 { traffic.reduce(0) { $0 + $1.refused[.receiverFull, default: 0] } }
}

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
        statistics.delayedMessages = delayed.withLock { $0.count }
        return statistics
    }
}

extension BrokerStatistics {
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
