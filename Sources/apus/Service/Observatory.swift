import Admin
import BrokerCore
import Messaging
import NIOPosix
import Storage
import Telemetry

/// Gathers what the parts know about themselves, for $SYS topics, metrics and health.
struct Observatory: Sendable {
    let broker: CoreBroker
    /// Nil when nothing is kept.
    let store: SQLiteStore?
    let events: EventLog
    let gateways: [any Gateway]
    let phase = ServicePhase()
    let loopDelays = LoopDelayProbe(group: MultiThreadedEventLoopGroup.singleton)
    private let startedAt: Timestamp
    private let startedOn: Duration

    init(broker: CoreBroker, store: SQLiteStore?, events: EventLog, gateways: [any Gateway]) {
        self.broker = broker
        self.store = store
        self.events = events
        self.gateways = gateways
        startedAt = broker.clock.now()
        startedOn = broker.clock.wallClock()
    }

    /// Everything at this moment. Looks at each session, so not for every message.
    var snapshot: GatewaySnapshot {
        var snapshot = GatewaySnapshot()
        snapshot.broker = broker.statistics()
        snapshot.uptime = broker.clock.now().since(startedAt)
        snapshot.clients = events.counts
        snapshot.connections = gateways.flatMap { $0.connections() }
        snapshot.gateways = gateways.map { ($0.name, $0.counters()) }
        snapshot.store = store?.report
        snapshot.loopDelays = loopDelays.readings
        return snapshot
    }

    /// With the store among the gateways, where its topics have always been.
    @Sendable func snapshotForSys() -> GatewaySnapshot {
        var snapshot = snapshot
        if let store { snapshot.gateways.append(("store", store.readings)) }
        return snapshot
    }

    /// The text of `/metrics`.
    @Sendable func metrics() -> String {
        GatewayMetrics(
            snapshot: snapshot, process: .current(), version: Apus.version, startedAt: startedOn / .seconds(1)
        ).text
    }

    @Sendable func health() -> Health {
        switch phase.current {
        case .starting: Health(.starting)
        case .stopping: Health(.stopping)
        case .serving: store?.isFailing == true ? Health(.failing, failing: ["store"]) : Health(.ok)
        }
    }
}
