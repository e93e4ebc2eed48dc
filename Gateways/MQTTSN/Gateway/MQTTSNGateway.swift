package import Logging
package import Messaging
package import NIOCore
import NIOPosix
import Synchronization
import Transport

/// MQTT-SN 1.2 over UDP and DTLS: the gateway of MQTT-SN 4, with the broker in the same process.
package final class MQTTSNGateway: Gateway {
    package let name = "mqttsn"

    private let broker: any Broker
    private let settings: MQTTSNSettings
    private let events: any EventSink
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let tallies = Counters()
    private let open = Mutex<Open?>(nil)

    private struct Open: Sendable {
        let channels: [any Channel]
        let driver: NIOLoopBound<LoopDriver>
    }

    /// The sockets of the listeners that are enabled.
    private struct Sockets: Sendable {
        var plain: DatagramSocket?
        var secured: DatagramSocket?

        var all: [DatagramSocket] { [plain, secured].compactMap(\.self) }
        func close() { for socket in all { socket.close() } }
    }

    private static let plainListener = PeerAddress.plainListener
    private static let securedListener = PeerAddress.securedListener

    /// Octets one read may bring.
    private static let readBufferOctets = 65_536

    /// - Parameter eventLoop: where all of the gateway's work is done.
    package init(
        broker: any Broker, settings: MQTTSNSettings, events: any EventSink = SilentEventSink(),
        eventLoop: any EventLoop, logger: Logger
    ) {
        self.broker = broker
        self.events = events
        self.settings = settings
        self.eventLoop = eventLoop
        self.logger = logger
    }

    package func bind() async throws(BindError) -> [Listener] {
        let sockets = try openSockets()
        do {
            let driver = try await eventLoop.submit { self.makeDriver(sockets) }.get()
            var channels: [any Channel] = []
            for socket in sockets.all {
                channels.append(
                    try await makeChannel(socket, driver, isSecured: socket.descriptor == sockets.secured?.descriptor))
            }
            let opened = Open(channels: channels, driver: driver)
            open.withLock { $0 = opened }
        } catch {
            throw BindError(
                listener: Self.plainListener, address: settings.address, port: settings.port, errorNumber: 0,
                description: "UDP \(settings.address) port \(settings.port) is bound but cannot be read from: \(error)."
            )
        }
        return listeners(sockets)
    }

    private func openSockets() throws(BindError) -> Sockets {
        var sockets = Sockets()
        do throws(BindError) {
            if settings.isPlainEnabled {
                sockets.plain = try DatagramSocket.open(
                    address: settings.address, port: settings.port, listener: Self.plainListener)
            }
            if let group = settings.discoveryGroup {
                try sockets.plain?.join(group, interface: settings.discoveryInterface, listener: Self.plainListener)
            }
            if let dtls = settings.dtls {
                sockets.secured = try DatagramSocket.open(
                    address: dtls.address, port: dtls.port, listener: Self.securedListener)
            }
        } catch {
            sockets.close()
            throw error
        }
        return sockets
    }

    private func listeners(_ sockets: Sockets) -> [Listener] {
        var listeners: [Listener] = []
        if let plain = sockets.plain {
            listeners.append(
                Listener(
                    name: Self.plainListener, protocolName: "MQTT-SN", transport: "udp", address: settings.address,
                    port: plain.port))
        }
        if let dtls = settings.dtls, let secured = sockets.secured {
            listeners.append(
                Listener(
                    name: Self.securedListener, protocolName: "MQTT-SN", transport: "dtls", address: dtls.address,
                    port: secured.port))
        }
        return listeners
    }

    package func serve() async {
        guard let open = open.withLock({ $0 }) else { return }
        do {
            for channel in open.channels { try await channel.setOption(.autoRead, value: true).get() }
        } catch {
            logger.log(.error, "the MQTT-SN socket cannot be read from", [.error: "\(error)"])
        }
        // Who has heard that the gateway serves finds it advertised. The loop outlives the gateway, so the submission cannot fail.
        try? await eventLoop.submit { open.driver.value.startAdvertising() }.get()
    }

    package func stop() async {
        guard
            let open = open.withLock({ open in
                defer { open = nil }
                return open
            })
        else { return }
        // Neither step can fail in a way that leaves anything to do: the loop runs and the channels are ours.
        try? await eventLoop.submit { open.driver.value.shutDown() }.get()
        for channel in open.channels { try? await channel.close().get() }
    }

    /// Does what has come due on the broker's clock: for those who move that clock by hand.
    package func clockMoved() async {
        guard let open = open.withLock({ $0 }) else { return }
        // The loop outlives the gateway, so the submission cannot fail.
        try? await eventLoop.submit { open.driver.value.runTimers() }.get()
    }

    package func counters() -> [CounterReading] { tallies.readings }

    private func makeDriver(_ sockets: Sockets) -> NIOLoopBound<LoopDriver> {
        let turn = Turn(eventLoop: eventLoop)
        let notes = NoteList { turn.schedule() }
        let loop = GatewayLoop(
            broker: broker, settings: settings, events: events, counters: tallies, logger: logger, notes: notes)
        let driver = LoopDriver(
            loop: loop, plain: sockets.plain, secured: secured(sockets.secured), eventLoop: eventLoop)
        let bound = NIOLoopBound(driver, eventLoop: eventLoop)
        turn.driver.withLock { $0 = bound }
        loop.resumeSleepers()
        driver.runTimers()
        return bound
    }

    private func secured(_ socket: DatagramSocket?) -> LoopDriver.Secured? {
        guard let socket, let dtls = settings.dtls else { return nil }
        let endpoint = DTLSEndpoint(dtls.server, limits: dtls.limits, counters: tallies.dtls) { number, client in
            Association(number: number, identity: ConnectionIdentity(client, dtls.identityRules))
        }
        return LoopDriver.Secured(socket: socket, endpoint: endpoint)
    }

    private func makeChannel(
        _ socket: DatagramSocket, _ driver: NIOLoopBound<LoopDriver>, isSecured: Bool
    ) async throws -> any Channel {
        // Room for the largest message, a forwarder's header and one octet that shows when it was larger still.
        let slot = loopSlot
        let messages = max(1, Self.readBufferOctets / slot)
        var bootstrap = DatagramBootstrap(group: eventLoop)
            .channelOption(.autoRead, value: false)
            .channelOption(.datagramVectorReadMessageCount, value: messages)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: messages * slot))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        DatagramHandler(driver: driver.value, isSecured: isSecured))
                }
            }
        if socket.listensOnAllAddresses {
            bootstrap = bootstrap.channelOption(.receivePacketInfo, value: true)
        }
        return try await bootstrap.withBoundSocket(socket.descriptor).get()
    }

    /// Room for a flight of a handshake, whatever the size of messages.
    private static let leastSlot = 1_500

    private var loopSlot: Int {
        let limits = settings.limits
        let protection = settings.dtls == nil ? 0 : DTLSLimits.overhead
        return min(max(limits.maximumPacketSize + limits.maximumNodeIDLength + 4 + protection, Self.leastSlot), 65_536)
    }
}

/// Schedules one turn of the driver from any thread.
private final class Turn: Sendable {
    let driver = Mutex<NIOLoopBound<LoopDriver>?>(nil)
    private let eventLoop: any EventLoop

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func schedule() {
        eventLoop.execute { self.driver.withLock { $0 }?.value.finishTurn() }
    }
}
