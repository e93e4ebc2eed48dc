import Hummingbird
import HummingbirdCore
package import Logging
package import Messaging
import NIOCore
import NIOPosix
import Synchronization
import Transport

/// The operators' interface: HTTP with `/metrics` for Prometheus and `/health` for whoever supervises the process.
///
/// It has a thread of its own, so that it answers while devices keep all others busy, and none of them waits for it. It answers
/// from the moment it is bound: what the gateway is while it starts and stops is what `/health` is asked for.
package final class AdminGateway: Gateway {
    package static let listener = "admin.http"
    /// Octets of a request's head, and of a body, which nothing here reads.
    private static let headLimit = 16_384
    private static let bodyLimit = 65_536

    /// Lasts as long as the process: the library goes on scheduling for a moment after its server has ended.
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    private struct Server {
        let task: Task<Void, Never>
        /// What it listens on, once it does.
        var socket: (any Channel)?
    }

    package let name = "admin"
    private let configuration: AdminConfiguration
    private let pages: AdminPages
    private let logger: Logger
    private let statistics = AdminCounters()
    private let server = Mutex<Server?>(nil)
    private let isServing = Atomic<Bool>(false)

    /// - Parameters:
    ///   - metrics: the text of `/metrics`, of the content type `metricsType`; called for each request, on any thread.
    ///   - health: how the gateway is; called likewise.
    package init(
        configuration: AdminConfiguration, logger: Logger, metricsType: String,
        metrics: @escaping @Sendable () -> String, health: @escaping @Sendable () -> Health
    ) {
        self.configuration = configuration
        self.logger = logger
        pages = AdminPages(metricsType: metricsType, metrics: metrics, health: health)
    }

    package func bind() async throws(BindError) -> [Listener] {
        let (bound, continuation) = AsyncStream.makeStream(of: Result<any Channel, any Error>.self)
        let application = application { continuation.yield(.success($0)) }
        let task = Task {
            do {
                try await application.run()
            } catch {
                continuation.yield(.failure(error))
            }
            // Not asked to, and not for want of a port: nobody will see figures any more.
            if isServing.load(ordering: .relaxed) { logger.error("the operators' interface has ended") }
        }
        server.withLock { $0 = Server(task: task) }
        for await result in bound {
            switch result {
            case .success(let socket):
                server.withLock { $0?.socket = socket }
                let port = socket.localAddress?.port ?? configuration.port
                return [
                    Listener(
                        name: Self.listener, protocolName: "HTTP", transport: "tcp", address: configuration.address,
                        port: port)
                ]
            case .failure(let error):
                await stop()
                throw bindError(error)
            }
        }
        preconditionFailure("the server either runs or fails")
    }

    package func serve() async { isServing.store(true, ordering: .relaxed) }

    package func stop() async {
        guard let server = server.withLock({ $0.take() }) else { return }
        isServing.store(false, ordering: .relaxed)
        try? await server.socket?.close()
        server.task.cancel()
        await server.task.value
    }

    package func counters() -> [CounterReading] { statistics.readings }

    private func application(whenBound: @escaping @Sendable (any Channel) -> Void) -> some ApplicationProtocol {
        let (timeout, statistics, port) = (configuration.timeout, statistics, configuration.port)
        var decoder = HTTP1Channel.Configuration.DecoderConfiguration()
        decoder.maxHeaderFieldSize = Self.headLimit
        decoder.maxHeaderListSize = Self.headLimit
        decoder.maxHeaderFieldCount = 100
        return Application(
            responder: pages.router().buildResponder(),
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [
                        RequestGuard(
                            timeout: .nanoseconds(timeout.wholeNanoseconds), bodyLimit: Self.bodyLimit,
                            counters: statistics)
                    ], httpDecoderConfiguration: decoder)),
            configuration: .init(
                address: .hostname(configuration.address, port: port),
                availableConnectionsDelegate: MaximumAvailableConnections(
                    configuration.maximumConnections, logger: quiet)),
            onServerRunning: whenBound,
            eventLoopGroupProvider: .shared(Self.group), logger: quiet)
    }

    /// The library reports each step of its own, and its end, when it is asked to end, as an error. What an operator has to know we
    /// say ourselves.
    private var quiet: Logger {
        var logger = logger
        logger.logLevel = .critical
        return logger
    }

    private func bindError(_ error: any Error) -> BindError {
        let failure = BindFailure(
            error, at: ListenAddress(address: configuration.address, port: configuration.port), transport: "TCP")
        return BindError(
            listener: Self.listener, address: configuration.address, port: configuration.port,
            errorNumber: failure.errorNumber, description: failure.sentence)
    }
}
