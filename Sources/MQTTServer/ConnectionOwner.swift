import Messaging
import NIOCore

/// What the core holds of a connection: takes its calls on any thread and carries them to the connection's event loop.
final class ConnectionOwner: SessionOwner {
    private let eventLoop: any EventLoop
    private let wakeList: WakeList
    private let box: NIOLoopBoundBox<ConnectionHandler?>

    /// To be called on the event loop.
    init(_ handler: ConnectionHandler, eventLoop: any EventLoop, wakeList: WakeList) {
        self.eventLoop = eventLoop
        self.wakeList = wakeList
        box = NIOLoopBoundBox(handler, eventLoop: eventLoop)
    }

    /// The connection while it is open; on the event loop only.
    var handler: ConnectionHandler? { box.value }

    /// The connection is over: lets go of it; on the event loop only.
    func release() { box.value = nil }

    var lane: UInt8 { wakeList.lane }

    func wake(_ client: UInt64) { wake() }

    func wake() { wakeList.add(self) }

    func close(_ client: UInt64, _ reason: CloseReason) {
        eventLoop.execute { self.handler?.closedByCore(reason) }
    }

    /// Carries the broker's decision on a CONNECT to the event loop.
    func connected(_ result: Result<Connected, ConnectRefusal>, _ opening: Opening) {
        guard !eventLoop.inEventLoop else { return deliver(result, opening) }
        eventLoop.execute { self.deliver(result, opening) }
    }

    /// Carries a step of an authentication method to the event loop.
    func authenticated(_ step: AuthenticationStep) {
        guard !eventLoop.inEventLoop else { return deliver(step) }
        eventLoop.execute { self.deliver(step) }
    }

    private func deliver(_ step: AuthenticationStep) { handler?.authenticated(step) }

    private func deliver(_ result: Result<Connected, ConnectRefusal>, _ opening: Opening) {
        if let handler {
            handler.connected(result, opening)
        } else if case .success(let connected) = result {
            connected.attachment.detach(.lost, expiry: nil)  // the connection broke while the broker decided
        }
    }
}
