import NIOCore

/// Counts what a connection has sent of a TLS record that is not complete, which the TLS library holds (RFC 8446, 5.1).
final class TLSRecords: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Type, version, length.
    private static let headerLength = 5

    private var unfinished: BudgetShare
    private var isCounting = false
    private let whenOver: () -> Void
    /// The length of the record at hand, as far as it has come, and how many of its octets are still to come.
    private var header = 0
    private var length = 0
    private var missing = 0

    /// - Parameter whenOver: called when all connections together hold more than they may because of this one; it is closed.
    init(budget: OctetBudget, whenOver: @escaping () -> Void) {
        unfinished = BudgetShare(of: budget)
        self.whenOver = whenOver
    }

    /// The handshake is over: until then others count all that comes.
    func beginCounting() { isCounting = true }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        take(unwrapInboundIn(data).readableBytesView)
        guard !isCounting || unfinished.hold(header + (header == Self.headerLength ? length - missing : 0)) else {
            _ = unfinished.hold(0)
            whenOver()
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
    }

    func handlerRemoved(context: ChannelHandlerContext) { _ = unfinished.hold(0) }

    private func take(_ octets: ByteBufferView) {
        var rest = octets
        while let next = rest.first {
            if missing > 0 {
                let count = min(missing, rest.count)
                missing -= count
                rest = rest.dropFirst(count)
            } else {
                if header == Self.headerLength { (header, length) = (0, 0) }
                header += 1
                length = header > 3 ? length << 8 | Int(next) : 0
                if header == Self.headerLength { missing = length }
                rest = rest.dropFirst()
            }
        }
        if header == Self.headerLength, missing == 0 { (header, length) = (0, 0) }
    }
}
