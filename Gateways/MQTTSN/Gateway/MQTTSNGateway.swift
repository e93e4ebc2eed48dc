package import Logging
package import Messaging
package import NIOCore
import NIOPosix
import Synchronization

/// MQTT-SN 1.2 over UDP: the gateway of MQTT-SN 4, with the broker in the same process.
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
        let channel: any Channel
        let driver: NIOLoopBound<LoopDriver>
    }

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
        let listener = PeerAddress.listener
        let socket = try DatagramSocket.open(address: settings.address, port: settings.port, listener: listener)
        if let group = settings.discoveryGroup {
            do throws(BindError) {
                try socket.join(group, interface: settings.discoveryInterface, listener: listener)
            } catch {
                socket.close()
                throw error
            }
        }
        do {
            let driver = try await eventLoop.submit { self.makeDriver(socket) }.get()
            let channel = try await makeChannel(socket, driver)
            open.withLock { $0 = Open(channel: channel, driver: driver) }
        } catch {
            throw BindError(
                listener: listener, address: settings.address, port: socket.port, errorNumber: 0,
                description: "UDP \(settings.address) port \(socket.port) is bound but cannot be read from: \(error).")
        }
        return [
            Listener(
                name: listener, protocolName: "MQTT-SN", transport: "udp", address: settings.address, port: socket.port)
        ]
    }

    package func serve() async {
        guard let open = open.withLock({ $0 }) else { return }
        do {
            try await open.channel.setOption(.autoRead, value: true).get()
        } catch {
            logger.log(.error, "the MQTT-SN socket cannot be read from", [.error: "\(error)"])
        }
        eventLoop.execute { open.driver.value.startAdvertising() }
    }

    package func stop() async {
        guard
            let open = open.withLock({ open in
                defer { open = nil }
                return open
            })
        else { return }
        // Neither step can fail in a way that leaves anything to do: the loop runs and the channel is ours.
        try? await eventLoop.submit { open.driver.value.shutDown() }.get()
        try? await open.channel.close().get()
    }

    /// Does what has come due on the broker's clock: for those who move that clock by hand.
    package func clockMoved() async {
        guard let open = open.withLock({ $0 }) else { return }
        // The loop outlives the gateway, so the submission cannot fail.
        try? await eventLoop.submit { open.driver.value.runTimers() }.get()
    }

    package func counters() -> [CounterReading] { tallies.readings }

    private func makeDriver(_ socket: DatagramSocket) -> NIOLoopBound<LoopDriver> {
        let turn = Turn(eventLoop: eventLoop)
        let notes = NoteList { turn.schedule() }
        let loop = GatewayLoop(
            broker: broker, settings: settings, events: events, counters: tallies, logger: logger, notes: notes)
        let driver = LoopDriver(loop: loop, socket: socket, eventLoop: eventLoop)
        let bound = NIOLoopBound(driver, eventLoop: eventLoop)
        turn.driver.withLock { $0 = bound }
        return bound
    }

    private func makeChannel(_ socket: DatagramSocket, _ driver: NIOLoopBound<LoopDriver>) async throws -> any Channel {
        // Room for the largest message, a forwarder's header and one octet that shows when it was larger still.
        let slot = loopSlot
        let messages = max(1, Self.readBufferOctets / slot)
        var bootstrap = DatagramBootstrap(group: eventLoop)
            .channelOption(.autoRead, value: false)
            .channelOption(.datagramVectorReadMessageCount, value: messages)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: messages * slot))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramHandler(driver: driver.value))
                }
            }
        if socket.listensOnAllAddresses {
            bootstrap = bootstrap.channelOption(.receivePacketInfo, value: true)
        }
        return try await bootstrap.withBoundSocket(socket.descriptor).get()
    }

    private var loopSlot: Int {
        let limits = settings.limits
        return min(limits.maximumPacketSize + limits.maximumNodeIDLength + 4, 65_536)
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
