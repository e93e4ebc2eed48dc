import Logging
import MQTTCodec
import Messaging
import NIOCore
import Synchronization

/// What all connections of one listener share.
final class ListenerContext: Sendable {
    let settings: MQTTConfiguration.Listener
    let server: ServerContext
    let rules: ServerRules
    let decoderLimits: Limits
    /// From the accepted connection to a complete CONNECT.
    let connectTimeout: TimeAmount
    private let openConnections = Atomic<Int>(0)
    private let accepted = Counter()
    private let overLimit = Counter()
    private let hasWarnedOfLimit = Atomic<Bool>(false)

    init(_ settings: MQTTConfiguration.Listener, server: ServerContext) {
        self.settings = settings
        self.server = server
        let packetSize = settings.maximumPacketSize ?? server.configuration.maximumPacketSize
        rules = server.rules(packetSize: packetSize)
        decoderLimits = ServerContext.decoderLimits(packetSize: packetSize)
        let timeout = settings.connectTimeout ?? server.configuration.connectTimeout
        connectTimeout = .nanoseconds(timeout.wholeNanoseconds)
    }

    /// Lets a connection in, or counts why not.
    /// - Returns: false when a limit is reached, this listener's or the gateway's; `leave` is not called then.
    func admit() -> Bool {
        accepted.add()
        let limit = settings.maximumConnections ?? .max
        let (_, open) = openConnections.add(1, ordering: .relaxed)
        if open > limit {
            server.counters.connectionsOverLimit.add()
            // Said once; how often it happens is counted.
            if !hasWarnedOfLimit.exchange(true, ordering: .relaxed) {
                server.logger.warning(
                    "connections refused: the limit of open connections of a listener is reached",
                    metadata: [LogKey.listener: "\(settings.name)", LogKey.limit: "\(limit)"])
            }
        } else if server.admit() {
            return true
        }
        openConnections.subtract(1, ordering: .relaxed)
        overLimit.add()
        return false
    }

    func leave() {
        openConnections.subtract(1, ordering: .relaxed)
        server.leave()
    }

    var reading: ConnectionReading {
        ConnectionReading(
            listener: settings.name, transport: settings.transport, open: openConnections.load(ordering: .relaxed),
            accepted: accepted.current, overLimit: overLimit.current)
    }
}
