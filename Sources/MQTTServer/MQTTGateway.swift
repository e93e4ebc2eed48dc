package import Logging
package import Messaging
package import NIOCore
import Synchronization
import Transport

/// MQTT 3.1, 3.1.1 and 5.0 over TCP: listeners, and one `ConnectionHandler` for each connection.
package final class MQTTGateway: Gateway {
    package let name = "mqtt"
    private let server: ServerContext
    private let group: any EventLoopGroup
    /// One context per event loop; connections stay on the loop they were given.
    private let loops: [ObjectIdentifier: NIOLoopBoundBox<LoopContext>]
    private let listeners = Mutex<[TCPListener]>([])
    private let isStopping = Atomic<Bool>(false)

    /// - Parameter group: threads the connections live on; the gateway does not shut it down.
    package init(
        configuration: MQTTConfiguration, broker: any Broker, group: any EventLoopGroup, logger: Logger
    ) {
        server = ServerContext(configuration: configuration, broker: broker, logger: logger)
        self.group = group
        var loops: [ObjectIdentifier: NIOLoopBoundBox<LoopContext>] = [:]
        for eventLoop in group.makeIterator() {
            loops[ObjectIdentifier(eventLoop)] = .makeBoxSendingValue(
                LoopContext(eventLoop: eventLoop), eventLoop: eventLoop)
        }
        self.loops = loops
    }

    package func bind() async throws(BindError) -> [Listener] {
        var opened: [Listener] = []
        for setting in server.configuration.listeners {
            do {
                opened.append(try await open(setting))
            } catch {
                await closeListeners()
                throw error
            }
        }
        return opened
    }

    package func serve() async {
        for listener in listeners.withLock({ $0 }) { await listener.accept() }
    }

    package func stop() async {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        await closeListeners()
        for box in loops.values {
            let ended = box.eventLoop.flatSubmit {
                let channels = box.value.connections.values.compactMap { $0.context?.channel.closeFuture }
                for handler in box.value.connections.values { handler.shutDown() }
                return EventLoopFuture.andAllComplete(channels, on: box.eventLoop)
            }
            try? await ended.get()
        }
    }

    package func counters() -> [CounterReading] { server.counters.readings }

    private func open(_ setting: MQTTConfiguration.Listener) async throws(BindError) -> Listener {
        let place = ListenAddress(address: setting.address, port: setting.port)
        do {
            let listener = try await TCPListener.bind(place, group: group) { [self] channel in
                setUp(channel, listener: setting.name)
            }
            listeners.withLock { $0.append(listener) }
            return Listener(
                name: setting.name, protocolName: "MQTT", transport: "tcp", address: listener.local.address,
                port: listener.local.port)
        } catch {
            throw BindError(
                listener: setting.name, address: setting.address, port: setting.port, errorNumber: error.errorNumber,
                description: error.sentence)
        }
    }

    /// On the event loop of the new connection.
    private func setUp(_ channel: any Channel, listener: String) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            server.counters.connectionsAccepted.add()
            guard !isStopping.load(ordering: .sequentiallyConsistent),
                let loop = loops[ObjectIdentifier(channel.eventLoop)]?.value, let address = channel.remoteAddress
            else { throw ChannelError.ioOnClosedChannel }
            guard server.admit() else { throw ChannelError.ioOnClosedChannel }
            let peer = Peer(address: address.numeric, isLoopback: address.isLoopback, listener: listener)
            try channel.pipeline.syncOperations.addHandler(ConnectionHandler(server: server, loop: loop, peer: peer))
        }
    }

    private func closeListeners() async {
        let open = listeners.withLock { listeners in
            defer { listeners = [] }
            return listeners
        }
        for listener in open { await listener.close() }
    }
}
