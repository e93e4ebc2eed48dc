import Messaging
import NIOCore
import NIOPosix
import Synchronization

/// Connections of one event loop that the core has woken, from any thread. The loop is called once for many of them and then
/// serves them in one pass.
///
/// A publisher's loop calls another when it has read what there is: what it publishes in a turn is one pass there, too, and not one for
/// each read, in which a receiver would be sent a message or two. Only when very much comes in for few receivers, they are served in
/// between: the processor's cache holds no more.
final class WakeList: Sendable {
    private struct State {
        var owners: [ConnectionOwner] = []
        /// Room for owners, kept from the last pass.
        var spare: [ConnectionOwner] = []
        var isScheduled = false
    }

    private let eventLoop: any EventLoop
    /// As of `SessionOwner`.
    let lane: UInt8
    private let state = Mutex(State())
    /// Octets received since the last pass. Changed on the event loop only, as what follows.
    private let received = Atomic<Int>(0)
    private let collects = Atomic<Bool>(false)
    private let owes = Atomic<Bool>(false)
    /// Octets after which a pass does not wait for the end of the turn: the messages made of them, and what is written for them, lie in
    /// the processor's second cache still.
    private static let muchReceived = 262_144
    /// Octets for each of the woken, at least: a write for a message or two costs more than waiting for memory.
    private static let muchForOne = 16_384

    init(eventLoop: any EventLoop, lane: UInt8) {
        self.eventLoop = eventLoop
        self.lane = lane
    }

    func add(_ owner: ConnectionOwner) {
        let schedules = state.withLock { state in
            state.owners.append(owner)
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        guard schedules else { return }
        if eventLoop.inEventLoop {
            if isCollecting { owes.store(true, ordering: .relaxed) } else { schedule() }
        } else if let here = MultiThreadedEventLoopGroup.currentEventLoop {
            here.execute { self.schedule() }
        } else {
            schedule()
        }
    }

    // MARK: On the event loop only

    /// From here to `endCollecting` nothing is scheduled for who is woken on this loop: who called this sees to it that they are served.
    /// - Returns: false when that has been called already.
    func beginCollecting() -> Bool {
        guard !isCollecting else { return false }
        collects.store(true, ordering: .relaxed)
        return true
    }

    func endCollecting() { collects.store(false, ordering: .relaxed) }

    var isCollecting: Bool { collects.load(ordering: .relaxed) }

    /// Somebody was woken and nothing has been scheduled for it.
    var owesPass: Bool { owes.load(ordering: .relaxed) }

    /// A connection of this loop has read.
    func note(received octets: Int) { received.store(received.load(ordering: .relaxed) &+ octets, ordering: .relaxed) }

    /// Serves the woken connections now, if much was received since they were served last.
    func serveAfterMuch() {
        let octets = received.load(ordering: .relaxed)
        guard octets >= Self.muchReceived, octets / Self.muchForOne >= state.withLock({ $0.owners.count }) else {
            return
        }
        serve()
    }

    private func schedule() { eventLoop.execute { self.serve() } }

    /// Serves the woken connections.
    func serve() {
        received.store(0, ordering: .relaxed)
        owes.store(false, ordering: .relaxed)
        var owners: [ConnectionOwner] = []
        let alone: ConnectionOwner? = state.withLock { state in
            state.isScheduled = false
            guard state.owners.count > 1 else { return state.owners.popLast() }
            swap(&owners, &state.owners)
            swap(&state.owners, &state.spare)
            return nil
        }
        if let alone { alone.handler?.wokenUp() }
        guard !owners.isEmpty else { return }
        for owner in owners { owner.handler?.wokenUp() }
        owners.empty()
        state.withLock { swap(&owners, &$0.spare) }
    }
}
