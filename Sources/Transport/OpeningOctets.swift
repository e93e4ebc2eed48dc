package import NIOCore

/// Counts what a connection has sent before it is open: a PROXY header, a TLS handshake, an HTTP request. The layers that read these
/// hold no more than that. To be taken out of the pipeline when they are done.
package final class OpeningOctets: ChannelInboundHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer

    private var received: BudgetShare
    private let whenOver: () -> Void

    /// - Parameter whenOver: called when all connections together hold more than they may because of this one; it is closed.
    package init(budget: OctetBudget, whenOver: @escaping () -> Void) {
        received = BudgetShare(of: budget)
        self.whenOver = whenOver
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard received.hold(received.octets + unwrapInboundIn(data).readableBytes) else {
            _ = received.hold(0)
            whenOver()
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
    }

    package func handlerRemoved(context: ChannelHandlerContext) { _ = received.hold(0) }
}
