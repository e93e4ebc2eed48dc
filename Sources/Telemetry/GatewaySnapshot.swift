package import Messaging

/// The gateway's figures at one moment; the composition root gathers them from the parts that keep them.
package struct GatewaySnapshot: Sendable {
    package var uptime: Duration
    package var clients: ClientCounts
    /// Sessions, connected or not.
    package var sessions: Int
    package var subscriptions: Int
    package var sharedSubscriptions: Int
    package var retainedMessages: Int
    /// Clients attached but asleep.
    package var asleep: Int
    /// Messages and octets (topic and payload) accepted from publishers.
    package var messagesReceived: UInt64
    package var octetsReceived: UInt64
    /// Messages refused because a receiver's mailbox was full.
    package var messagesRefused: UInt64
    package var ledger: DropLedger
    /// The sessions that lost most, the worst first.
    package var losses: [SessionLoss]
    /// Counters of each protocol's gateway, by its name.
    package var gateways: [(name: String, counters: [CounterReading])]

    package init(
        uptime: Duration, clients: ClientCounts, sessions: Int, subscriptions: Int, sharedSubscriptions: Int,
        retainedMessages: Int, asleep: Int, messagesReceived: UInt64, octetsReceived: UInt64,
        messagesRefused: UInt64 = 0,
        ledger: DropLedger, losses: [SessionLoss] = [],
        gateways: [(name: String, counters: [CounterReading])]
    ) {
        self.uptime = uptime
        self.clients = clients
        self.sessions = sessions
        self.subscriptions = subscriptions
        self.sharedSubscriptions = sharedSubscriptions
        self.retainedMessages = retainedMessages
        self.asleep = asleep
        self.messagesReceived = messagesReceived
        self.octetsReceived = octetsReceived
        self.messagesRefused = messagesRefused
        self.ledger = ledger
        self.losses = losses
        self.gateways = gateways
    }

    /// The sum of one counter over all protocols that keep it; nil when none does.
    func total(_ counter: String) -> UInt64? {
        let values = gateways.flatMap(\.counters).filter { $0.name == counter }.map(\.value)
        return values.isEmpty ? nil : values.reduce(0, &+)
    }
}
