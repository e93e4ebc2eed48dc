package import NIOCore
import NIOHTTP1
import NIOWebSocket

/// Lets a connection begin with an HTTP request and go on as a WebSocket that carries octets.
package struct WebSocketUpgrade {
    /// What a request may measure: browsers send cookies and much else.
    private static let requestLimit = 16_384

    private let settings: WebSocketSettings
    private let isLoopback: Bool
    private let deadline: NIODeadline

    /// - Parameters:
    ///   - isLoopback: the client is on this machine.
    ///   - deadline: when the request has to be complete.
    package init(_ settings: WebSocketSettings, isLoopback: Bool, deadline: NIODeadline) {
        self.settings = settings
        self.isLoopback = isLoopback
        self.deadline = deadline
    }

    /// On the channel's event loop.
    /// - Parameters:
    ///   - whenLate: called when the request is not complete in time; the connection is closed.
    ///   - whenOpen: called when the WebSocket is open; adds the handlers that read and write octets.
    package func begin(
        _ channel: any Channel, whenLate: @escaping () -> Void, whenOpen: @escaping (any Channel) throws -> Void
    ) throws {
        let request = WebSocketRequest(settings: settings, isLoopback: isLoopback)
        let refusal = NIOLoopBound(
            WebSocketRefusal(request, deadline: deadline, whenLate: whenLate), eventLoop: channel.eventLoop)
        let open = NIOLoopBound(whenOpen, eventLoop: channel.eventLoop)
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: settings.frameLimit,
            shouldUpgrade: { channel, head in
                guard case .accept(let subprotocol) = request.judge(head) else {
                    return channel.eventLoop.makeSucceededFuture(nil)
                }
                return channel.eventLoop.makeSucceededFuture(["sec-websocket-protocol": subprotocol])
            },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    channel.pipeline.syncOperations.removeHandler(refusal.value, promise: nil)
                    try channel.pipeline.syncOperations.addHandler(WebSocketStream())
                    try open.value(channel)
                }
            })
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = Self.requestLimit
        limits.maxHeaderListSize = Self.requestLimit
        limits.maxHeaderFieldCount = 100
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withPipeliningAssistance: false, withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }),
            withEncoderConfiguration: .init(), withDecoderLimitConfiguration: limits)
        try channel.pipeline.syncOperations.addHandler(refusal.value)
    }
}
