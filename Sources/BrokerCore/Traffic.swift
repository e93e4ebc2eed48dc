package import Messaging
import Synchronization

/// Messages and octets accepted, for metrics.
final class Traffic: Sendable {
    let messages = [Counter(), Counter(), Counter()]
    let octets = Counter()
    /// Messages nobody subscribed to: one copy accepted and dropped each.
    let unrouted = Counter()
    /// Messages whose publisher was refused because a receiver's mailbox was full.
    let refused = Counter()

    func received(_ message: Message) {
        messages[Int(message.qos.rawValue)].add()
        octets.add(UInt64(message.octets))
    }
}

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
    /// Messages accepted from publishers, by QoS.
    package var messagesReceived: [UInt64] = [0, 0, 0]
    package var octetsReceived: UInt64 = 0
    /// Messages whose publisher was refused because a receiver's mailbox was full. They are not in the ledger.
    package var messagesRefused: UInt64 = 0
    package var ledger = DropLedger()
    /// The sessions that lost most, the worst first.
    package var losses: [SessionLoss] = []

    /// Sessions in `losses` at most.
    static let mostLosses = 20

    /// Notes what a session lost, if that belongs to the most.
    mutating func note(_ loss: @autoclosure () -> SessionLoss, _ messages: UInt64) {
        guard messages > 0, losses.count < Self.mostLosses || messages > losses.last?.messages ?? 0 else { return }
        let place = losses.firstIndex { $0.messages < messages } ?? losses.endIndex
        losses.insert(loss(), at: place)
        if losses.count > Self.mostLosses { losses.removeLast() }
    }
}

extension CoreBroker {
    /// Takes the numbers of all sessions; cost grows with their count.
    package func statistics() -> BrokerStatistics {
        var statistics = BrokerStatistics()
        sessions.withLock { table in
            statistics.ledger = table.departed
            statistics.sessions = table.count
            for session in table.all {
                session.state.withLock { state in
                    let report = state.mailbox.report
                    statistics.ledger += report.account
                    statistics.note(SessionLoss(session.clientID, report), SessionLoss.messages(report))
                    if state.attachment != nil { statistics.attached += 1 }
                    if state.attachment != nil, state.reachability == .asleep { statistics.asleep += 1 }
                }
            }
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
        statistics.messagesReceived = traffic.messages.map(\.current)
        statistics.octetsReceived = traffic.octets.current
        statistics.messagesRefused = traffic.refused.current
        return statistics
    }
}
