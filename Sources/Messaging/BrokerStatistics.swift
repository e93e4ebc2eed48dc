/// The broker's numbers at one moment.
public struct BrokerStatistics: Sendable {
    /// Sessions, connected or not; those with a client; those whose client is attached but asleep.
    public var sessions = 0
    public var attached = 0
    public var asleep = 0
    public var subscriptions = 0
    public var sharedSubscriptions = 0
    public var retainedMessages = 0
    public var retainedOctets = 0
    /// Messages that wait for their time (`$delayed/…`). They enter the ledger when it has come.
    public var delayedMessages = 0
    /// Messages waiting in each session's mailbox or on the way to its client; one observation for each session.
    public var mailboxMessages = HistogramReading(bounds: [0, 1, 10, 100, 1_000, 10_000, 100_000])
    /// Messages of the fullest mailbox.
    public var fullestMailbox = 0
    /// Octets waiting in all mailboxes. A message that waits in several counts in each, though it is in memory once.
    public var mailboxOctets = 0
    /// Mailboxes do not grow beyond their share (`BrokerLimits.memory`).
    public var isMemoryTight = false
    /// What came in and went out by each listener.
    public var traffic: [TrafficReading] = []
    public var ledger = DropLedger()
    /// The sessions that lost most, the worst first.
    public var losses: [SessionLoss] = []

    public init() {}

    /// Messages accepted from publishers, whatever the QoS, and their octets.
    public var messagesReceived: UInt64 { traffic.reduce(0) { $0 + $1.received.messages } }
    public var octetsReceived: UInt64 { traffic.reduce(0) { $0 + $1.received.octets } }
    /// Messages whose publisher was refused because a receiver's mailbox was full. They are not in the ledger.
    public var messagesRefused: UInt64 { traffic.reduce(0) { $0 + $1.refused[.receiverFull, default: 0] } }
}
