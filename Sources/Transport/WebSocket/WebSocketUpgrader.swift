import NIOCore
import NIOHTTP1
import NIOWebSocket

/// swift-nio's upgrade, with a frame decoder of ours.
final class WebSocketUpgrader: HTTPServerProtocolUpgrader, Sendable {
    let supportedProtocol = "websocket"
    /// Clients do not always send them; the request is judged elsewhere.
    let requiredUpgradeHeaders: [String] = []

    private let theirs: NIOWebSocketServerUpgrader
    private let frameLimit: Int
    private let budget: OctetBudget
    private let whenUpgraded: @Sendable (any Channel) throws -> Void

    /// - Parameters:
    ///   - answer: what the answer to a request holds; nil for a request that is refused.
    ///   - whenUpgraded: adds the handlers that read and write frames, on the channel's event loop.
    init(
        frameLimit: Int, budget: OctetBudget, answer: @escaping @Sendable (HTTPRequestHead) -> HTTPHeaders?,
        whenUpgraded: @escaping @Sendable (any Channel) throws -> Void
    ) {
        self.frameLimit = frameLimit
        self.budget = budget
        self.whenUpgraded = whenUpgraded
        theirs = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, head in channel.eventLoop.makeSucceededFuture(answer(head)) },
            upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
    }

    func buildUpgradeResponse(
        channel: any Channel, upgradeRequest: HTTPRequestHead, initialResponseHeaders: HTTPHeaders
    ) -> EventLoopFuture<HTTPHeaders> {
        theirs.buildUpgradeResponse(
            channel: channel, upgradeRequest: upgradeRequest, initialResponseHeaders: initialResponseHeaders)
    }

    func upgrade(context: ChannelHandlerContext, upgradeRequest: HTTPRequestHead) -> EventLoopFuture<Void> {
        let channel = context.channel
        return channel.eventLoop.makeCompletedFuture {
            let frames = WebSocketFrames(limit: frameLimit, budget: budget)
            try channel.pipeline.syncOperations.addHandlers([
                WebSocketFrameEncoder(), ByteToMessageHandler(frames), WebSocketProtocolErrorHandler(),
            ])
            try whenUpgraded(channel)
        }
    }
}
