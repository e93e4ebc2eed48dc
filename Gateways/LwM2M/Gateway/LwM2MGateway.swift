package import CoAP
package import Logging
package import Messaging
import Synchronization

/// LwM2M devices as topics: the registration interface at `/rd`, and device management by publishing.
///
/// Rides on a `CoAPServer` that somebody else binds, serves and stops, and has no socket of its own. It is to be bound after
/// the server is bound and before it serves, and stopped before the server stops.
package final class LwM2MGateway: Gateway {
    package let name = "lwm2m"
    let context: GatewayContext
    let registry = Mutex(DeviceRegistry())
    private let strangers: UnregisteredWatch

    package init(broker: any Broker, server: CoAPServer, configuration: LwM2MConfiguration, logger: Logger) {
        let statistics = LwM2MStatistics()
        let publisher = Publisher(broker: broker, statistics: statistics, logger: logger)
        context = GatewayContext(
            broker: broker, server: server, configuration: configuration, model: .standard, statistics: statistics,
            publisher: publisher, logger: logger)
        strangers = UnregisteredWatch(context: context)
    }

    /// Takes its place on the CoAP server.
    /// - Returns: the CoAP server's listener under this protocol's name, for those who look for where to point a device.
    package func bind() async throws(BindError) -> [Listener] {
        // LwM2M Core 1.1 6.2: devices know `/rd` beforehand, so discovery does not list it.
        context.server.register(prefix: "rd") { [weak self] request, responder in
            self?.handle(request, responder)
        }
        // Before the server reads: a device must not be told that it is unknown.
        restoreRegistrations()
        return listeners
    }

    var listeners: [Listener] {
        guard let listener = context.server.listener else { return [] }
        return [
            Listener(
                name: name, protocolName: "LwM2M", transport: listener.transport, address: listener.address,
                port: listener.port)
        ]
    }

    package func serve() async {
        strangers.start { [self] endpoint in registry.withLock { $0.device(of: endpoint) != nil } }
    }

    package func stop() async {
        strangers.stop()
        for device in registry.withLock({ $0.removeAll() }) { device.suspend() }
    }

    package func counters() -> [CounterReading] { context.statistics.readings() }
}
