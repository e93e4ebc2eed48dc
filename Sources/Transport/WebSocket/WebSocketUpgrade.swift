package import NIOCore
import NIOHTTP1

/// Lets a connection begin with an HTTP request and go on as a WebSocket that carries octets.
package struct WebSocketUpgrade {
    /// What a request may measure: browsers send cookies and much else.
    private static let requestLimit = 16_384

    private let settings: WebSocketSettings
    private let isLoopback: Bool
    private let deadline: NIODeadline
    private let budget: OctetBudget

    /// - Parameters:
    ///   - isLoopback: the client is on this machine.
    ///   - deadline: when the request has to be complete.
    ///   - budget: of frames that are not complete. Who goes beyond it is told of by `UnfinishedOverBudget`.
    package init(
        _ settings: WebSocketSettings, isLoopback: Bool, deadline: NIODeadline,
        budget: OctetBudget = OctetBudget(limit: .max)
    ) {
        self.budget = budget
        self.settings = settings
        self.isLoopback = isLoopback
        self.deadline = deadline
    }

    /// On the channel's event loop.
    /// - Parameters:
    ///   - whenLate: called when the request is not complete in time; the connection is closed.
    ///   - whenRefused: called when the request is refused, with what is answered, and to what; the connection is closed.
    ///   - whenOpen: called when the WebSocket is open; adds the handlers that read and write octets.
    package func begin(
        _ channel: any Channel, whenLate: @escaping () -> Void, whenRefused: @escaping (String) -> Void,
        whenOpen: @escaping (any Channel) throws -> Void
    ) throws {
        let request = WebSocketRequest(settings: settings, isLoopback: isLoopback)
        let refusal = NIOLoopBound(
            WebSocketRefusal(request, deadline: deadline, whenLate: whenLate, whenRefused: whenRefused),
            eventLoop: channel.eventLoop)
        let open = NIOLoopBound(whenOpen, eventLoop: channel.eventLoop)
        let upgrader = WebSocketUpgrader(frameLimit: settings.frameLimit, budget: budget) { head in
            guard case .accept(let subprotocol) = request.judge(head) else { return nil }
            return ["sec-websocket-protocol": subprotocol]
        } whenUpgraded: { channel in
            channel.pipeline.syncOperations.removeHandler(refusal.value, promise: nil)
            try channel.pipeline.syncOperations.addHandler(WebSocketStream())
            try open.value(channel)
        }
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
