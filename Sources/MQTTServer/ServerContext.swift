import Logging
import MQTTCodec
import Messaging
import Synchronization
import Transport

/// What all connections of the gateway share.
final class ServerContext: Sendable {
    let configuration: MQTTConfiguration
    let broker: any Broker
    /// The broker's.
    let clock: any GatewayClock
    let counters = ServerCounters()
    /// Of packets, frames and openings that are not complete.
    let unfinished: OctetBudget
    let logger: Logger
    /// Asked for with every packet, so looked up once.
    let tracesPackets: Bool
    private let hasWarnedOfLimit = Atomic<Bool>(false)
    private let openConnections = Atomic<Int>(0)

    init(configuration: MQTTConfiguration, broker: any Broker, logger: Logger) {
        self.configuration = configuration
        self.broker = broker
        clock = broker.clock
        self.logger = logger
        unfinished = OctetBudget(limit: configuration.maximumUnfinished)
        tracesPackets = logger.logLevel <= .trace
    }

    /// - Returns: false when the limit is reached; the connection does not count then.
    func admit() -> Bool {
        let (_, open) = openConnections.add(1, ordering: .relaxed)
        guard open > configuration.maximumConnections else { return true }
        openConnections.subtract(1, ordering: .relaxed)
        counters.connectionsOverLimit.add()
        // Said once; how often it happens is counted.
        if !hasWarnedOfLimit.exchange(true, ordering: .relaxed) {
            logger.warning(
                "connections refused: the limit of open MQTT connections is reached",
                metadata: [LogKey.limit: "\(configuration.maximumConnections)"])
        }
        return false
    }

    func leave() {
        openConnections.subtract(1, ordering: .relaxed)
        counters.connectionsClosed.add()
    }

    static func decoderLimits(packetSize: Int) -> Limits {
        var limits = Limits()
        limits.packetSize = packetSize
        return limits
    }

    func rules(packetSize: Int) -> ServerRules {
        var configuration = configuration
        configuration.maximumPacketSize = packetSize
        return ServerRules(
            configuration,
            sessionExpiryMaximum: broker.limits.sessionExpiry.map { UInt32(clamping: $0.components.seconds) })
    }
}
