import NIOCore
import NIOWebSocket

/// swift-nio's decoder of frames, with an eye on what it leaves: half a frame of each of many connections is a lot, so that their sum is
/// bounded. Who goes beyond is told of by `UnfinishedOverBudget`, once, and heard no more.
final class WebSocketFrames: ByteToMessageDecoder {
    typealias InboundOut = WebSocketFrame

    private let frames: WebSocketFrameDecoder
    private var unfinished: BudgetShare
    private var isOver = false

    init(limit: Int, budget: OctetBudget) {
        frames = WebSocketFrameDecoder(maxFrameSize: limit)
        unfinished = BudgetShare(of: budget)
    }

    func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        guard !isOver else { return discard(&buffer) }
        let state = try frames.decode(context: context, buffer: &buffer)
        guard state == .needMoreData || buffer.readableBytes == 0 else { return state }
        guard unfinished.hold(buffer.readableBytes) else {
            isOver = true
            context.fireUserInboundEventTriggered(UnfinishedOverBudget())
            return discard(&buffer)
        }
        return state
    }

    private func discard(_ buffer: inout ByteBuffer) -> DecodingState {
        buffer = ByteBuffer()
        _ = unfinished.hold(0)
        return .needMoreData
    }
}
