package import Logging
package import Messaging
package import NIOCore
import Synchronization
import Transport

/// MQTT 3.1, 3.1.1 and 5.0 over TCP, TLS, WebSocket and unix sockets: listeners, and one `ConnectionHandler` for each connection.
package final class MQTTGateway: Gateway {
    package let name = "mqtt"
    private let server: ServerContext
    private let group: any EventLoopGroup
    /// One context per event loop; connections stay on the loop they were given.
    private let loops: [ObjectIdentifier: NIOLoopBoundBox<LoopContext>]
    private let listeners = Mutex<[StreamListener]>([])
    /// One for each entry of the configuration, which has one for each address of a listener.
    private let contexts: [ListenerContext]
    private let isStopping = Atomic<Bool>(false)

    /// - Parameter group: threads the connections live on; the gateway does not shut it down.
    package init(
        configuration: MQTTConfiguration, broker: any Broker, group: any EventLoopGroup, logger: Logger
    ) {
        server = ServerContext(configuration: configuration, broker: broker, logger: logger)
        contexts = configuration.listeners.map { [server] in ListenerContext($0, server: server) }
        self.group = group
        var loops: [ObjectIdentifier: NIOLoopBoundBox<LoopContext>] = [:]
        for eventLoop in group.makeIterator() {
            loops[ObjectIdentifier(eventLoop)] = .makeBoxSendingValue(
                LoopContext(eventLoop: eventLoop, lane: UInt8(clamping: loops.count + 1)), eventLoop: eventLoop)
        }
        self.loops = loops
    }

    package func bind() async throws(BindError) -> [Listener] {
        var opened: [Listener] = []
        for context in contexts {
            do {
                opened.append(try await open(context))
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
                let begun = Array(box.value.begun.values)
                let channels = box.value.connections.values.compactMap { $0.context?.channel } + begun
                for handler in box.value.connections.values { handler.shutDown() }
                for channel in begun { channel.close(promise: nil) }
                return EventLoopFuture.andAllComplete(channels.map(\.closeFuture), on: box.eventLoop)
            }
            try? await ended.get()
        }
    }

    package func counters() -> [CounterReading] { server.counters.readings }

    package func connections() -> [ConnectionReading] {
        contexts.map(\.reading).reduce(into: []) { readings, reading in
            guard let index = readings.firstIndex(where: { $0.listener == reading.listener }) else {
                return readings.append(reading)
            }
            readings[index].open += reading.open
            readings[index].accepted += reading.accepted
            readings[index].overLimit += reading.overLimit
        }
    }

    private func open(_ context: ListenerContext) async throws(BindError) -> Listener {
        let setting = context.settings
        do {
            let listener = try await StreamListener.bind(
                setting.place, group: group, connectionsPerLoop: server.configuration.connectionsPerLoop
            ) { [self] channel in
                setUp(channel, context)
            }
            listeners.withLock { $0.append(listener) }
            return Listener(setting, at: listener.local)
        } catch {
            throw BindError(setting, error)
        }
    }

    /// On the event loop of the new connection.
    private func setUp(_ channel: any Channel, _ listener: ListenerContext) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            server.counters.connectionsAccepted.add()
            guard !isStopping.load(ordering: .sequentiallyConsistent),
                let loop = loops[ObjectIdentifier(channel.eventLoop)]?.value, listener.admit()
            else { throw ChannelError.ioOnClosedChannel }
            channel.closeFuture.whenComplete { _ in listener.leave() }
            let deadline = channel.eventLoop.now + listener.connectTimeout
            try NewConnection(listener: listener, loop: loop, deadline: deadline).begin(channel)
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

extension Listener {
    fileprivate init(_ setting: MQTTConfiguration.Listener, at place: ListenPlace) {
        switch place {
        case .internet(let address):
            self.init(
                name: setting.name, protocolName: "MQTT", transport: setting.transport,
                address: address.address, port: address.port, path: setting.webSocket?.path)
        case .unix(let file):
            self.init(
                name: setting.name, protocolName: "MQTT", transport: setting.transport, address: file.path, port: 0)
        }
    }
}

extension BindError {
    fileprivate init(_ setting: MQTTConfiguration.Listener, _ failure: BindFailure) {
        let (address, port) =
            switch setting.place {
            case .internet(let address): (address.address, address.port)
            case .unix(let file): (file.path, 0)
            }
        self.init(
            listener: setting.name, address: address, port: port, errorNumber: failure.errorNumber,
            description: failure.sentence)
    }
}
