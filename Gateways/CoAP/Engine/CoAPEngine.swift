import CLibCoAP
import Glibc
import Logging
import Messaging

/// The CoAP thread: libcoap's context, the loop around it, and all state of sessions, exchanges, transfers and observations.
/// Made, used and freed on one thread; nothing of it is shared. Other threads speak to it through `CommandQueue`.
///
/// One turn of the loop:
///
///     epoll_wait ─▶ tap: note what waits ─▶ libcoap reads it (callbacks: requests, answers, failures)
///                ─▶ notes: acknowledgements, resets, repetitions ─▶ commands ─▶ timers
///
/// libcoap's own loop walks all sessions twice for each datagram; here it is handed a whole turn's datagrams at once.
final class CoAPEngine {
    /// Work for later.
    enum TimerAction {
        case requestDeadline(peer: UInt64, request: UInt64)
        case work(@Sendable () -> Void)
    }

    /// What a message of ours on the way is part of.
    enum Outgoing {
        case answer(peer: UInt64)
        case request(peer: UInt64)
        case notification(CoAPObserver)
    }

    let limits: CoAPLimits
    let statistics: CoAPStatistics
    let logger: Logger
    let clock: any GatewayClock
    let commands: CommandQueue
    let context: OpaquePointer
    let endpoint: UDPEndpoint
    let tap: DatagramTap
    var routes = CoAPServer.Routes()

    /// Read once a turn.
    var now: Timestamp
    var peers: [UInt64: PeerState] = [:]
    var lastPeer: UInt64 = 0
    var lastSerial = UInt64.random(in: 0...UInt64.max)
    var pinnedPeers = 0
    var exchanges: ExchangeTable
    var open: [UInt64: OpenExchange] = [:]
    var uploads: UploadTable
    var bodies: BodyTable
    var outgoing: [MessageKey: Outgoing] = [:]
    var observations: [CoAPObserver: ClientObservation] = [:]
    var nonConfirmable: [MessageKey: CoAPObserver] = [:]
    /// Peers we have sent requests to, by address: only they can have repeated an answer.
    var answering: [EndpointKey: UInt64] = [:]
    /// Messages of this turn's datagrams that libcoap reads only in part.
    var cutOff: Set<MessageKey> = []

    private var timers = TimerQueue<TimerAction>()
    private var taken: [ServerCommand] = []
    private var isServing = false
    private var isStopping = false
    private var nextSweep: Timestamp

    /// Told apart from libcoap's pointers by being no address at all.
    private static var bell: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: 1) }
    private static let eventCount = 16
    private static let commandRounds = 64
    private static let sweepInterval = Duration.seconds(5)
    private static let library: Void = {
        coap_startup()
        coap_set_log_level(LOG_EMERG)
    }()

    init(
        _ configuration: CoAPServer.Configuration, statistics: CoAPStatistics, commands: CommandQueue,
        clock: any GatewayClock, logger: Logger
    ) throws(BindError) {
        _ = Self.library
        guard let context = coap_new_context(nil) else {
            throw BindError(
                listener: configuration.listener, address: configuration.address, port: configuration.port,
                errorNumber: errno,
                description: "libcoap could not start: \(String(cString: strerror(errno))).")
        }
        do throws(BindError) {
            endpoint = try UDPEndpoint.open(configuration, context: context)
        } catch {
            coap_free_context(context)
            throw error
        }
        self.context = context
        self.statistics = statistics
        self.commands = commands
        self.clock = clock
        self.logger = logger
        limits = configuration.limits
        exchanges = ExchangeTable(limits: limits)
        uploads = UploadTable(limits: limits)
        bodies = BodyTable(limits: limits)
        // libcoap reads into 1472 octets, whatever it is told.
        tap = DatagramTap(descriptor: endpoint.descriptor, datagramOctets: min(limits.datagramOctets, 1_472))
        now = clock.now()
        nextSweep = now + Self.sweepInterval
        prepareContext()
    }

    /// Serves until told to stop. The context and its socket are closed when this returns.
    func run(routes: () -> CoAPServer.Routes) {
        waitUntilServed()
        if !isStopping {
            self.routes = routes()
            loop()
        }
        shutDown()
    }

    func later(_ action: TimerAction, after delay: Duration) { timers.add(action, at: now + delay) }

    func nextSerial() -> UInt64 {
        lastSerial &+= 1
        return lastSerial
    }

    // MARK: Set-up

    private func prepareContext() {
        // Before any session: the library's own block layer can be crashed by two datagrams.
        coap_context_set_block_mode(context, 0)
        coap_context_set_session_timeout(context, UInt32(clamping: max(1, limits.idleSession.components.seconds)))
        coap_set_app_data(context, Unmanaged.passUnretained(self).toOpaque())
        CoAPCallbacks.install(in: context)
        var event = epoll_event()
        event.events = EPOLLIN.rawValue
        event.data.ptr = Self.bell
        let result = epoll_ctl(coap_context_get_coap_fd(context), EPOLL_CTL_ADD, commands.descriptor, &event)
        precondition(result == 0, "the command bell could not be added to libcoap's epoll set: \(errno)")
    }

    /// Bound, but reading nothing yet: datagrams wait in the socket.
    private func waitUntilServed() {
        while !isServing, !isStopping {
            var bell = pollfd(fd: commands.descriptor, events: Int16(POLLIN), revents: 0)
            _ = poll(&bell, 1, -1)
            commands.silence()
            performCommands()
        }
    }

    // MARK: The loop

    private func loop() {
        let descriptor = coap_context_get_coap_fd(context)
        let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Self.eventCount)
        defer { events.deallocate() }
        var batch: [epoll_event] = []
        prepareLibraryTimer()
        while !isStopping {
            let count = epoll_wait(descriptor, events, Int32(Self.eventCount), waitMilliseconds())
            guard count >= 0 || errno == EINTR else {
                logger.critical("the CoAP thread cannot wait for its sockets")
                return
            }
            now = clock.now()
            turn(UnsafeBufferPointer(start: events, count: Int(max(0, count))), batch: &batch)
        }
    }

    private func turn(_ events: UnsafeBufferPointer<epoll_event>, batch: inout [epoll_event]) {
        batch.removeAll(keepingCapacity: true)
        cutOff.removeAll(keepingCapacity: true)
        var datagrams = 0
        for event in events {
            guard event.data.ptr != Self.bell else {
                commands.silence()
                continue
            }
            // Nil stands for libcoap's timer; anything else is the one endpoint of this context.
            guard event.data.ptr != nil else {
                batch.append(event)
                continue
            }
            datagrams = tap.look()
            for _ in 0..<max(1, datagrams) { batch.append(event) }
        }
        if datagrams > 0 { readNotesBefore() }
        if !batch.isEmpty {
            batch.withUnsafeMutableBufferPointer { coap_io_do_epoll(context, $0.baseAddress, $0.count) }
        }
        if datagrams > 0 { readNotesAfter() }
        let worked = performCommands()
        let timed = performTimers()
        if now >= nextSweep { sweep() }
        // libcoap re-arms its timer itself after reading; otherwise messages just sent would not be repeated in time.
        if worked || timed { prepareLibraryTimer() }
    }

    private func prepareLibraryTimer() {
        var ticks: coap_tick_t = 0
        coap_ticks(&ticks)
        _ = coap_io_prepare_epoll(context, ticks)
    }

    private func waitMilliseconds() -> Int32 {
        let hasOld = exchanges.count > 0 || uploads.count > 0 || bodies.count > 0
        guard let due = [timers.nextDue, hasOld ? nextSweep : nil].compactMap({ $0 }).min() else { return -1 }
        let nanoseconds = due.since(clock.now()).wholeNanoseconds
        return Int32(clamping: max(0, (nanoseconds + 999_999) / 1_000_000))
    }

    /// Performs what waits, and what that brings about, as long as it stays within one turn's share.
    @discardableResult
    private func performCommands() -> Bool {
        var any = false
        for _ in 0..<Self.commandRounds {
            commands.takeAll(into: &taken)
            guard !taken.isEmpty else { return any }
            any = true
            for command in taken { perform(command) }
        }
        commands.ring()
        return any
    }

    private func perform(_ command: ServerCommand) {
        switch command {
        case .serve: isServing = true
        case .stop: isStopping = true
        case .respond(let exchange, let answer): respond(to: exchange, with: answer)
        case .send(let request, let peer, let timeout, let completion):
            send(request, to: peer, timeout: timeout, completion: completion)
        case .observe(let request, let observation, let timeout, let handler):
            observe(request, observation, timeout: timeout, handler: handler)
        case .cancel(let observation): forget(observation)
        case .deregister(let observation, let timeout, let completion):
            deregister(observation, timeout: timeout, completion: completion)
        case .notify(let observer, let response, let confirmable, let completion):
            notify(observer, response, confirmable: confirmable, completion: completion)
        case .endObservation(let observer, let last): endObservation(observer, last: last)
        case .pin(let peer): peers[peer.id].map(pin)
        case .unpin(let peer): peers[peer.id].map(unpin)
        case .perform(let due?, let work): timers.add(.work(work), at: due)
        case .perform(nil, let work): work()
        }
    }

    private func performTimers() -> Bool {
        var any = false
        while let action = timers.popDue(now: now) {
            any = true
            switch action {
            case .work(let work): work()
            case .requestDeadline(let peer, let request): deadlinePassed(peer: peer, request: request)
            }
        }
        return any
    }

    private func sweep() {
        nextSweep = now + Self.sweepInterval
        exchanges.expire(now: now)
        uploads.expire(now: now)
        bodies.expire(now: now)
        statistics.transfersAbandoned.add(uploads.abandoned - statistics.transfersAbandoned.current)
        statistics.forgottenEarly.add(exchanges.forgottenEarly - statistics.forgottenEarly.current)
    }

    private func shutDown() {
        commands.close()
        for peer in Array(peers.values) { end(peer) }
        coap_set_app_data(context, nil)
        coap_free_context(context)
    }
}
