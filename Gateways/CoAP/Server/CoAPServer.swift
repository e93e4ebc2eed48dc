package import Logging
package import Messaging
import Synchronization

/// A CoAP endpoint (RFC 7252): server for the devices' requests, and client towards the devices over the sessions they opened.
///
///     devices ── UDP ── libcoap ── CoAPEngine (one thread) ── handlers ── adapters (publish/subscribe, LwM2M)
///                                       ▲
///                           commands: locked array + eventfd
///
/// Use: `register` routes, `bind`, `serve`, later `stop`. All other members may be called at any time from any thread; they
/// return at once. Handlers and completions run on the CoAP thread and must not block it.
package final class CoAPServer: Sendable {
    /// Called with each complete request under a route.
    package typealias Handler = @Sendable (CoAPRequest, CoAPResponder) -> Void

    /// Where to listen.
    package struct Configuration: Sendable {
        /// Numeric IPv4 or IPv6 address.
        package var address = "127.0.0.1"
        /// 0 lets the system choose.
        package var port = 5683
        /// Name of the listener in settings and errors.
        package var listener = "coap.udp"
        package var limits = CoAPLimits()

        package init() {}
    }

    /// What is fixed when the thread starts.
    struct Routes: Sendable {
        var handlers: [String: Handler] = [:]
        var links: [CoAPLink] = []
        var peerGone: [@Sendable (CoAPPeer) -> Void] = []
    }

    package let configuration: Configuration
    package let statistics = CoAPStatistics()
    let logger: Logger
    let clock: any GatewayClock
    private let commands = CommandQueue()
    private let routes = Mutex(Routes())
    private let end = ThreadEnd()
    private let bound = Mutex<Listener?>(nil)
    private let tokens = Atomic<UInt64>(UInt64.random(in: 0...UInt64.max))

    package init(configuration: Configuration, clock: any GatewayClock, logger: Logger) {
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
    }

    // MARK: Before serving

    /// Sends requests whose first path segment is `prefix` to `handler`, and shows `links` in `/.well-known/core`.
    /// To be called before `serve`; a prefix has one handler.
    package func register(prefix: String, links: [CoAPLink] = [], handler: @escaping Handler) {
        routes.withLock { routes in
            precondition(routes.handlers[prefix] == nil, "two handlers for the path \(prefix)")
            routes.handlers[prefix] = handler
            routes.links += links
        }
    }

    /// Calls `handler` when a transport session has ended: after silence, or because the server stops. Before `serve`.
    package func onPeerGone(_ handler: @escaping @Sendable (CoAPPeer) -> Void) {
        routes.withLock { $0.peerGone.append(handler) }
    }

    // MARK: Starting and stopping

    /// Opens the socket, without reading from it yet.
    /// - Returns: the listener, with the port the system chose if asked to.
    /// - Throws: `BindError`; nothing stays open then. The server cannot be used any more.
    package func bind() async throws(BindError) -> Listener {
        let outcome: Result<Int, BindError> = await withCheckedContinuation { opened in
            CoAPThread.start { [self] in run(opened) }
        }
        let port = try outcome.get()
        logger.debug("listening", metadata: [LogKey.address: "\(configuration.address)", LogKey.port: "\(port)"])
        let listener = Listener(
            name: configuration.listener, protocolName: "CoAP", transport: "udp", address: configuration.address,
            port: port)
        bound.withLock { $0 = listener }
        return listener
    }

    /// Where the server listens; nil before `bind` has succeeded.
    package var listener: Listener? { bound.withLock { $0 } }

    /// Begins to read. Routes are fixed from now on.
    package func serve() { commands.post(.serve) }

    /// Ends all sessions and closes the socket. Whatever waited for an answer gets `.gone`. Returns when all is done.
    package func stop() async {
        commands.post(.stop)
        await end.wait()
    }

    /// The life of the thread.
    private func run(_ opened: CheckedContinuation<Result<Int, BindError>, Never>) {
        defer { end.signal() }
        do throws(BindError) {
            let engine = try CoAPEngine(
                configuration, statistics: statistics, commands: commands, clock: clock, logger: logger)
            opened.resume(returning: .success(engine.endpoint.port))
            engine.run { routes.withLock { $0 } }
        } catch {
            commands.close()
            opened.resume(returning: .failure(error))
        }
    }

    // MARK: Requests to devices

    /// Sends a confirmable request to a device. `completion` is called exactly once.
    /// - Parameter timeout: for the whole exchange, waiting in the queue and all blocks included.
    package func send(
        _ request: CoAPOutgoingRequest, to peer: CoAPPeer, timeout: Duration = .seconds(93),
        completion: @escaping @Sendable (CoAPOutcome) -> Void
    ) {
        commands.post(.send(request, peer, timeout: timeout, completion: completion))
    }

    /// Observes a resource of a device (RFC 7641). `handler` is called with each event until `.ended`, or until `cancel`.
    /// The session is kept alive meanwhile.
    package func observe(
        _ request: CoAPOutgoingRequest, on peer: CoAPPeer, timeout: Duration = .seconds(93),
        handler: @escaping @Sendable (CoAPObservationEvent) -> Void
    ) -> CoAPObservation {
        let observation = CoAPObservation(peer: peer, token: nextToken())
        commands.post(.observe(request, observation, timeout: timeout, handler: handler))
        return observation
    }

    /// Forgets an observation: no more events, and the device's next notification is answered with RST, which ends it there
    /// too (RFC 7641, 3.6).
    package func cancel(_ observation: CoAPObservation) {
        commands.post(.cancel(observation))
    }

    /// Asks the device to end an observation: the same request with Observe 1 under the same token (RFC 7641, 3.6). No more
    /// events come. `completion` is called exactly once, with the device's answer to what is then a plain GET.
    package func deregister(
        _ observation: CoAPObservation, timeout: Duration = .seconds(93),
        completion: @escaping @Sendable (CoAPOutcome) -> Void
    ) {
        commands.post(.deregister(observation, timeout: timeout, completion: completion))
    }

    // MARK: Observers of ours

    /// Sends a notification to a client whose observation was accepted. `completion` is called exactly once; until then the
    /// next confirmable one answers `.busy`. An error code ends the observation (RFC 7641, 4.2).
    package func notify(
        _ observer: CoAPObserver, _ response: CoAPResponse, confirmable: Bool,
        completion: @escaping @Sendable (CoAPNotificationOutcome) -> Void
    ) {
        commands.post(.notify(observer, response, confirmable: confirmable, completion: completion))
    }

    /// Ends an observation from our side, telling the client with `last` if given. Its `ended` is called with `.ended`.
    package func endObservation(_ observer: CoAPObserver, last: CoAPResponse? = nil) {
        commands.post(.endObservation(observer, last))
    }

    // MARK: Sessions

    /// Keeps a peer's session alive, however long it is silent. Counts: as many `unpin` as `pin`.
    package func pin(_ peer: CoAPPeer) { commands.post(.pin(peer)) }

    package func unpin(_ peer: CoAPPeer) { commands.post(.unpin(peer)) }

    // MARK: The CoAP thread

    /// Runs `work` on the CoAP thread, after what was asked before. Never while that thread is inside a handler.
    /// - Parameter due: when; nil for as soon as possible.
    package func perform(at due: Timestamp? = nil, _ work: @escaping @Sendable () -> Void) {
        commands.post(.perform(at: due, work))
    }

    /// From inside a handler: starts something that completes at once or later on another thread, and goes on with its result
    /// on the CoAP thread either way.
    func call<Value: Sendable>(
        _ start: (@escaping @Sendable (Value) -> Void) -> Void, then body: @escaping @Sendable (Value) -> Void
    ) {
        let slot = AnswerSlot<Value>()
        start { [self] value in
            if slot.put(value) { perform { body(value) } }
        }
        if let value = slot.takeOrDetach() { body(value) }
    }

    private func nextToken() -> CoAPToken {
        CoAPToken(serial: tokens.wrappingAdd(1, ordering: .relaxed).newValue)
    }
}
