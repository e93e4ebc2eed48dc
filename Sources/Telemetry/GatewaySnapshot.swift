package import Messaging

/// The gateway's figures at one moment; the composition root gathers them from the parts that keep them.
package struct GatewaySnapshot: Sendable {
    package var uptime = Duration.zero
    package var clients = ClientCounts()
    /// Sessions, connected or not.
    package var sessions = 0
    package var subscriptions = 0
    package var sharedSubscriptions = 0
    package var retainedMessages = 0
    package var retainedOctets = 0
    /// Messages that wait for their time (`$delayed/…`).
    package var delayedMessages = 0
    /// Clients attached but asleep.
    package var asleep = 0
    /// Messages waiting for each session or on the way to it: one observation a session, and the most that one has.
    package var mailboxMessages = HistogramReading(bounds: [])
    package var fullestMailbox = 0
    /// Octets waiting in all mailboxes.
    package var mailboxOctets = 0
    /// What came in and went out by each listener.
    package var traffic: [TrafficReading] = []
    package var connections: [ConnectionReading] = []
    package var ledger = DropLedger()
    /// The sessions that lost most, the worst first.
    package var losses: [SessionLoss] = []
    /// Counters of each protocol's gateway, by its name.
    package var gateways: [(name: String, counters: [CounterReading])] = []
    /// Nil when nothing is kept.
    package var store: StoreReport?
    /// How late each event loop began what was due, in seconds.
    package var loopDelays: [HistogramReading] = []

    package init() {}

    /// Messages and octets (topic and payload) accepted from publishers.
    var messagesReceived: UInt64 { traffic.reduce(0) { $0 + $1.received.messages } }
    var octetsReceived: UInt64 { traffic.reduce(0) { $0 + $1.received.octets } }

    /// Messages refused because a receiver's mailbox was full.
    var messagesRefused: UInt64 { traffic.reduce(0) { $0 + $1.refused[.receiverFull, default: 0] } }

    /// The sum of one counter over all protocols that keep it; nil when none does.
    func total(_ counter: String) -> UInt64? {
        let values = gateways.flatMap(\.counters).filter { $0.name == counter }.map(\.value)
        return values.isEmpty ? nil : values.reduce(0, &+)
    }
}
