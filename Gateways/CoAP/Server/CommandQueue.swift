import CLibCoAP
import Glibc
import Messaging
import Synchronization

/// What other threads ask of the CoAP thread.
enum ServerCommand: Sendable {
    case serve
    case respond(exchange: UInt64, CoAPResponder.Answer)
    case send(CoAPOutgoingRequest, CoAPPeer, timeout: Duration, completion: @Sendable (CoAPOutcome) -> Void)
    case observe(
        CoAPOutgoingRequest, CoAPObservation, timeout: Duration, handler: @Sendable (CoAPObservationEvent) -> Void)
    case cancel(CoAPObservation)
    case deregister(CoAPObservation, timeout: Duration, completion: @Sendable (CoAPOutcome) -> Void)
    case notify(
        CoAPObserver, CoAPResponse, confirmable: Bool, completion: @Sendable (CoAPNotificationOutcome) -> Void)
    case endObservation(CoAPObserver, CoAPResponse?)
    case pin(CoAPPeer)
    case unpin(CoAPPeer)
    case perform(at: Timestamp?, @Sendable () -> Void)
    case stop

    /// The answer when there is no CoAP thread to do it any more.
    func refuse() {
        switch self {
        case .send(_, _, _, let completion), .deregister(_, _, let completion): completion(.gone)
        case .observe(_, _, _, let handler): handler(.ended(.gone))
        case .notify(_, _, _, let completion): completion(.gone)
        case .respond(_, let answer): answer.ended?(.peerGone)
        case .serve, .cancel, .endObservation, .pin, .unpin, .perform, .stop: break
        }
    }
}

/// The one door into the CoAP thread: a locked array, and an eventfd that wakes the thread's epoll when the array was empty.
final class CommandQueue: Sendable {
    private struct State {
        var waiting: [ServerCommand] = []
        var isOpen = true
    }

    private let state = Mutex(State())
    /// In the CoAP thread's epoll set.
    let descriptor: Int32

    init() {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        precondition(descriptor >= 0, "the system gave no eventfd: \(errno)")
    }

    deinit { close(descriptor) }

    func post(_ command: ServerCommand) {
        let (accepted, wasEmpty) = state.withLock { state in
            guard state.isOpen else { return (false, false) }
            state.waiting.append(command)
            return (true, state.waiting.count == 1)
        }
        guard accepted else { return command.refuse() }
        if wasEmpty { ring() }
    }

    /// Takes all that waits, in the order posted.
    func takeAll(into commands: inout [ServerCommand]) {
        commands.removeAll(keepingCapacity: true)
        state.withLock { swap(&$0.waiting, &commands) }
    }

    /// Quiets the eventfd. Call before `takeAll`, or a command might wait without a bell.
    func silence() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
    }

    /// Nothing is accepted from now on; what waits is refused.
    func close() {
        let left = state.withLock { state in
            state.isOpen = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for command in left { command.refuse() }
    }

    /// Makes the thread look into the queue.
    func ring() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    private func close(_ descriptor: Int32) { _ = CLibCoAP.close(descriptor) }
}
