package import CoAP
package import Logging
package import Messaging
import Synchronization

/// LwM2M devices as topics: the registration interface at `/rd`, and device management by publishing.
///
/// Rides on a `CoAPServer` that somebody else binds, serves and stops; it has no listener of its own. It must be bound
/// before the server serves and stopped before the server stops.
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

    /// Takes its place on the CoAP server. No listener of its own comes of it, so nothing is returned.
    package func bind() async throws(BindError) -> [Listener] {
        // RFC 9176 4.1 and LwM2M Core 1.1 6.2: the registration resource, as `/.well-known/core` shows it.
        context.server.register(prefix: "rd", links: []) { [weak self] request, responder in
            self?.handle(request, responder)
        }
        return []
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
