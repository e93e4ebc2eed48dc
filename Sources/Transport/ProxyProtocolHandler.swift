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

    private let wait: OpeningWait<Outcome>
    private var received = ByteBuffer()

    /// - Parameter whenDone: called once, unless the connection breaks before. On `.header` it adds the handlers that come next; else the
    ///   connection is closed after it.
    package init(deadline: NIODeadline, whenDone: @escaping (any Channel, Outcome) throws -> Void) {
        wait = OpeningWait(deadline: deadline, whenDone: whenDone)
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        wait.begin(context) { self.finish(.timeout, context) }
    }

    package func handlerRemoved(context: ChannelHandlerContext) { wait.cancel() }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        guard !wait.isOver else { return }
        received.writeBuffer(&bytes)
        do throws(ProxyHeader.DecodeError) {
            if let header = try ProxyHeader.decode(from: &received) { finish(.header(header), context) }
        } catch {
            finish(.malformed(error), context)
        }
    }

    private func finish(_ outcome: Outcome, _ context: ChannelHandlerContext) {
        let isGood = if case .header = outcome { true } else { false }
        guard wait.end(outcome, isGood: isGood, context) else { return }
        if received.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(received)) }
        received = ByteBuffer()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
