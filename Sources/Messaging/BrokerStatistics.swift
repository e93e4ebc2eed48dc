/// The broker's numbers at one moment.
package struct BrokerStatistics: Sendable {
    /// Sessions, connected or not; those with a client; those whose client is attached but asleep.
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
    /// Mailboxes do not grow beyond their share (`BrokerLimits.memory`).
    package var isMemoryTight = false
    /// What came in and went out by each listener.
    package var traffic: [TrafficReading] = []
    package var ledger = DropLedger()
    /// The sessions that lost most, the worst first.
    package var losses: [SessionLoss] = []

    package init() {}

    /// Messages accepted from publishers, whatever the QoS, and their octets.
    package var messagesReceived: UInt64 { traffic.reduce(0) { $0 + $1.received.messages } }
    package var octetsReceived: UInt64 { traffic.reduce(0) { $0 + $1.received.octets } }
    /// Messages whose publisher was refused because a receiver's mailbox was full. They are not in the ledger.
    package var messagesRefused: UInt64 { traffic.reduce(0) { $0 + $1.refused[.receiverFull, default: 0] } }
}
