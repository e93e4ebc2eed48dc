import NIOCore
import NIOHTTP1

/// Answers a request that does not become a WebSocket, and closes.
final class WebSocketRefusal: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let request: WebSocketRequest
    private let deadline: NIODeadline
    private let whenLate: () -> Void
    private let whenRefused: (String) -> Void
    private var timer: Scheduled<Void>?
    private var hasAnswered = false

    /// - Parameters:
    ///   - deadline: when the request has to be complete.
    ///   - whenLate: called when it is not; the connection is closed.
    ///   - whenRefused: called with what is answered, and to what; the connection is closed.
    init(
        _ request: WebSocketRequest, deadline: NIODeadline, whenLate: @escaping () -> Void,
        whenRefused: @escaping (String) -> Void
    ) {
        self.request = request
        self.deadline = deadline
        self.whenLate = whenLate
        self.whenRefused = whenRefused
    }

    func handlerAdded(context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.whenLate()
            context.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let head) = unwrapInboundIn(data), !hasAnswered else { return }
        hasAnswered = true
        var status = HTTPResponseStatus.badRequest
        if case .refuse(let reason) = request.judge(head) { status = reason }
        whenRefused("\(status) to \(head.version)")
        var headers: HTTPHeaders = ["connection": "close", "content-length": "0"]
        if status == .upgradeRequired {
            headers.add(name: "upgrade", value: "websocket")
            headers.add(name: "sec-websocket-version", value: "13")  // RFC 6455, 4.2.2
        }
        let answer = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(answer)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What the upgrade did not like is answered above; what was no HTTP has been answered with 400.
        guard error is HTTPParserError else { return }
        if !hasAnswered { whenRefused("\(HTTPResponseStatus.badRequest), \(error)") }
        hasAnswered = true
        context.close(promise: nil)
    }
}
