package import NIOCore

/// Waits for the PROXY header of a connection, hands it over and leaves the pipeline: what follows does not pass here.
///
/// A listener that expects the header takes it from everybody, so it belongs where only the proxy can reach it.
package final class ProxyProtocolHandler: ChannelInboundHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer

    /// How the wait ended.
    package enum Outcome: Sendable, Equatable {
        case header(ProxyHeader)
        case malformed(ProxyHeader.DecodeError)
        case timeout
    }

    private let deadline: NIODeadline
    /// Called once, unless the connection breaks before. On `.header` it adds the handlers that come next; else the
    /// connection is closed after it.
    private let whenDone: (any Channel, Outcome) throws -> Void
    private var received = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var isDone = false

    package init(deadline: NIODeadline, whenDone: @escaping (any Channel, Outcome) throws -> Void) {
        self.deadline = deadline
        self.whenDone = whenDone
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.finish(.timeout, context)
        }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        guard !isDone else { return }
        received.writeBuffer(&bytes)
        do throws(ProxyHeader.DecodeError) {
            if let header = try ProxyHeader.decode(from: &received) { finish(.header(header), context) }
        } catch {
            finish(.malformed(error), context)
        }
    }

    private func finish(_ outcome: Outcome, _ context: ChannelHandlerContext) {
        guard !isDone else { return }
        isDone = true
        timer?.cancel()
        do {
            try whenDone(context.channel, outcome)
        } catch {
            return context.close(promise: nil)
        }
        guard case .header = outcome else { return context.close(promise: nil) }
        if received.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(received)) }
        received = ByteBuffer()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
