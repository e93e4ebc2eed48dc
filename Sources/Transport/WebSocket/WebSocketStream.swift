import NIOCore
import NIOWebSocket

/// Octets in binary frames, both ways: frames are an envelope without meaning of their own (MQTT-6.0.0-2), so each part of a
/// message is passed on as it comes, and one write is one frame.
///
///            Close received: answered                    deadline, or Close received
///     open ─────────────────────────▶ closed ◀──────────────────────────── closing
///       └──────────────── close(): Close sent ────────────────────────────────▲
final class WebSocketStream: ChannelDuplexHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = WebSocketFrame

    /// Which end of the connection this is.
    enum Side { case server, client }

    private enum State { case open, closing, closed }

    /// How long the peer's Close is waited for.
    private static let closeTimeout = TimeAmount.seconds(1)

    private let side: Side
    private var state = State.open
    /// The last frame was not its message's last.
    private var isFragmented = false
    /// Pongs have been written in this turn.
    private var hasAnsweredPings = false
    private var timer: Scheduled<Void>?
    /// Of whoever asked to close.
    private var closePromise: EventLoopPromise<Void>?

    init(_ side: Side = .server) {
        self.side = side
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch state {
        case .open: receive(frame, context)
        case .closing where frame.opcode == .connectionClose: finish(context)
        case .closing, .closed: break
        }
    }

    private func receive(_ frame: WebSocketFrame, _ context: ChannelHandlerContext) {
        // RFC 6455, 5.1: a client masks, a server does not. 5.2: reserved bits belong to extensions, and none was agreed on.
        guard (frame.maskKey != nil) == (side == .server), frame.reservedBits.isEmpty else { return fail(.protocolError, context) }
        switch frame.opcode {
        case .binary, .continuation:
            // RFC 6455, 5.4: the first frame of a message has a type, the others continue it.
            guard isFragmented == (frame.opcode == .continuation) else { return fail(.protocolError, context) }
            isFragmented = !frame.fin
            let octets = frame.unmaskedData
            if octets.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(octets)) }
        case .text: fail(.unacceptableData, context)  // MQTT-6.0.0-1
        case .ping:  // RFC 6455, 5.5.3
            hasAnsweredPings = true
            context.write(
                wrapOutboundOut(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData)), promise: nil)
        case .pong: break
        case .connectionClose:
            send(.connectionClose, frame.unmaskedData, context)  // RFC 6455, 5.5.1: usually with the code received
            finish(context)
        default: fail(.protocolError, context)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if hasAnsweredPings { context.flush() }
        hasAnsweredPings = false
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard state == .open else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        context.write(wrapOutboundOut(frame(.binary, unwrapOutboundIn(data))), promise: promise)
    }

    /// Says Close and waits a moment for the answer, so that what was written before arrives.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, state != .closed else { return context.close(mode: mode, promise: promise) }
        if let closePromise {
            closePromise.futureResult.cascade(to: promise)
        } else {
            closePromise = promise ?? context.eventLoop.makePromise()
        }
        guard state == .open else { return }
        state = .closing
        send(.connectionClose, Self.reason(.normalClosure), context)
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.closeTimeout) { self.finish(context) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        settle()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        settle()
    }

    /// The frame decoder has told the peer and closes the connection.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is NIOWebSocketError { state = .closed }
        context.fireErrorCaught(error)
    }

    /// RFC 6455, 7.1.7: tells the peer why and closes.
    private func fail(_ code: WebSocketErrorCode, _ context: ChannelHandlerContext) {
        send(.connectionClose, Self.reason(code), context)
        finish(context)
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard state != .closed else { return }
        state = .closed
        timer?.cancel()
        context.close(promise: nil)
    }

    private func settle() {
        state = .closed
        timer?.cancel()
        closePromise?.succeed()
        closePromise = nil
    }

    private func send(_ opcode: WebSocketOpcode, _ data: ByteBuffer, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(frame(opcode, data)), promise: nil)
    }

    private func frame(_ opcode: WebSocketOpcode, _ data: ByteBuffer) -> WebSocketFrame {
        WebSocketFrame(fin: true, opcode: opcode, maskKey: side == .client ? .random() : nil, data: data)
    }

    private static func reason(_ code: WebSocketErrorCode) -> ByteBuffer {
        var data = ByteBuffer()
        data.write(webSocketErrorCode: code)
        return data
    }
}
