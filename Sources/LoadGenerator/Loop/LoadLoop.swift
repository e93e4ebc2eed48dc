import Glibc

/// What lives on a loop: a socket and what is done with it.
protocol Pollable: AnyObject {
    var descriptor: Int32 { get }
    func readable(_ loop: LoadLoop) throws(LoadError)
    func writable(_ loop: LoadLoop) throws(LoadError)
    /// Sends what this turn has gathered.
    func flush(_ loop: LoadLoop) throws(LoadError)
}

/// The one thread of the generator. A turn takes what has arrived on all sockets, lets the run react to all of it, and then writes
/// once for each socket:
///
///     wait ─▶ readable, writable, … ─▶ endOfTurn: publishers fill their windows ─▶ flush, flush, …
///
/// A run is straight code around `run(until:)`: no locks, no tasks, nothing that would cost the broker its processor.
final class LoadLoop {
    /// Nanoseconds of CLOCK_MONOTONIC when this turn began.
    private(set) var now = Clock.now()
    /// Called once in each turn when everything has been read.
    var endOfTurn: () throws(LoadError) -> Void = {}
    /// Called in each turn; draws the progress bar.
    var onTurn: (_ now: UInt64) -> Void = { _ in }
    /// Next moment at which there is something to do without a packet's arrival.
    var wakeAt: UInt64?
    /// Where sockets read to, one after the other: a connection that says nothing costs no buffer.
    var inbox: [UInt8]

    private var poller: Poller
    private var sockets: [(any Pollable)?] = []
    private var freeTokens: [Int] = []
    private var unflushed: [any Pollable] = []
    private var lastArrival = Clock.now()

    /// - Parameter inboxOctets: read at once at most; a packet must fit in.
    init(inboxOctets: Int) throws(LoadError) {
        inbox = [UInt8](repeating: 0, count: inboxOctets)
        poller = try Poller()
    }

    // MARK: Sockets

    /// - Returns: the socket's token.
    func add(_ socket: any Pollable, writable: Bool = false) throws(LoadError) -> Int {
        let token = freeTokens.popLast() ?? sockets.count
        if token == sockets.count { sockets.append(nil) }
        sockets[token] = socket
        try poller.add(socket.descriptor, token: token, writable: writable)
        return token
    }

    func want(_ token: Int, writable: Bool) throws(LoadError) {
        guard let socket = sockets[token] else { return }
        try poller.change(socket.descriptor, token: token, writable: writable)
    }

    /// To be called before the socket is closed, which takes it out of the epoll set.
    func remove(_ token: Int) {
        sockets[token] = nil
        freeTokens.append(token)
    }

    /// Asks for one `flush` at the end of this turn; to be called once a turn.
    func flushLater(_ socket: any Pollable) { unflushed.append(socket) }

    // MARK: Turns

    /// Turns until `isDone`, which is asked after each turn.
    /// - Parameters:
    ///   - what: completes "waited in vain for".
    ///   - patience: nanoseconds without any arrival after which the wait is in vain.
    func run(for what: String, patience: UInt64 = Clock.seconds(30), until isDone: () -> Bool) throws(LoadError) {
        lastArrival = Clock.now()
        while !isDone() {
            try turn(notLaterThan: lastArrival + patience)
            guard now < lastArrival + patience else { throw .stalled(waitingFor: what) }
        }
    }

    /// Turns until the moment has come.
    func run(until moment: UInt64) throws(LoadError) {
        while now < moment { try turn(notLaterThan: moment) }
    }

    private func turn(notLaterThan limit: UInt64) throws(LoadError) {
        // What was said outside of a turn, a first packet for example, has not been sent yet.
        try finishTurn()
        let wake = min(limit, wakeAt ?? .max)
        let time = Clock.now()
        let count = poller.wait(nanoseconds: wake > time ? wake - time : 0)
        now = Clock.now()
        if count > 0 { lastArrival = now }
        for index in 0..<count {
            let event = poller.event(index)
            if event.isReadable { try sockets[event.token]?.readable(self) }
            if event.isWritable { try sockets[event.token]?.writable(self) }
        }
        try finishTurn()
        onTurn(now)
    }

    private func finishTurn() throws(LoadError) {
        try endOfTurn()
        guard !unflushed.isEmpty else { return }
        let sockets = unflushed
        unflushed.removeAll(keepingCapacity: true)
        for socket in sockets { try socket.flush(self) }
    }
}
