package import Logging
package import Messaging
package import NIOCore
import Synchronization
import Transport

/// MQTT 3.1, 3.1.1 and 5.0 over TCP, WebSocket and unix sockets: listeners, and one `ConnectionHandler` for each connection.
package final class MQTTGateway: Gateway {
    package let name = "mqtt"
    private let server: ServerContext
    private let group: any EventLoopGroup
    /// One context per event loop; connections stay on the loop they were given.
    private let loops: [ObjectIdentifier: NIOLoopBoundBox<LoopContext>]
    private let listeners = Mutex<[StreamListener]>([])
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

    private func open(_ setting: MQTTConfiguration.Listener) async throws(BindError) -> Listener {
        let context = ListenerContext(setting, server: server)
        do {
            let listener = try await StreamListener.bind(setting.place, group: group) { [self] channel in
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
                name: setting.name, protocolName: "MQTT", transport: setting.webSocket == nil ? "tcp" : "ws",
                address: address.address, port: address.port, path: setting.webSocket?.path)
        case .unix(let file):
            self.init(name: setting.name, protocolName: "MQTT", transport: "unix", address: file.path, port: 0)
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
