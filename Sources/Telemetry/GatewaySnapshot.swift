package import Messaging

/// The gateway's figures at one moment; the composition root gathers them from the parts that keep them.
package struct GatewaySnapshot: Sendable {
    package var uptime = Duration.zero
    package var clients = ClientCounts()
    package var broker = BrokerStatistics()
    package var connections: [ConnectionReading] = []
    /// Counters of each protocol's gateway, by its name.
    package var gateways: [(name: String, counters: [CounterReading])] = []
    /// Nil when nothing is kept.
    package var store: StoreReport?
    /// How late each event loop began what was due, in seconds.
    package var loopDelays: [HistogramReading] = []

    package init() {}

    /// The sum of one counter over all protocols that keep it; nil when none does.
    func total(_ counter: String) -> UInt64? {
        let values = gateways.flatMap(\.counters).filter { $0.name == counter }.map(\.value)
        return values.isEmpty ? nil : values.reduce(0, &+)
    }
}
