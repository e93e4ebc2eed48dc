import Messaging
import NIOCore
import NIOHTTPTypes

/// Bounds what one connection may take: time and octets of a request's body. Headers are bounded by the decoder.
///
///     reading a request ──end──▶ answering ──answer written──▶ reading a request
///              └──────── too long, too large ───────┴──▶ closed
final class RequestGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let timeout: TimeAmount
    private let bodyLimit: Int
    private let counters: AdminCounters
    private var bodyOctets = 0
    private var timer: Scheduled<Void>?

    /// - Parameters:
    ///   - timeout: for each state of the picture.
    ///   - bodyLimit: octets of one request's body.
    init(timeout: TimeAmount, bodyLimit: Int, counters: AdminCounters) {
        self.timeout = timeout
        self.bodyLimit = bodyLimit
        self.counters = counters
    }

    func handlerAdded(context: ChannelHandlerContext) { restartTimer(context) }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: bodyOctets = 0
        case .body(let octets):
            bodyOctets += octets.readableBytes
            guard bodyOctets <= bodyLimit else {
                counters.requestsTooLarge.add()
                return context.close(promise: nil)
            }
        case .end: restartTimer(context)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        let written = promise ?? context.eventLoop.makePromise()
        written.futureResult.assumeIsolated().whenSuccess { self.restartTimer(context) }
        context.write(data, promise: written)
    }

    private func restartTimer(_ context: ChannelHandlerContext) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            self.counters.timeouts.add()
            context.close(promise: nil)
        }
    }
}
