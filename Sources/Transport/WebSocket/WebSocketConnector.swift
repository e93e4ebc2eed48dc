package import NIOCore
import NIOHTTP1
import NIOWebSocket

/// The client's side of a WebSocket that carries octets (RFC 6455, 4.1).
package struct WebSocketConnector: Sendable {
    /// What answers there is no WebSocket, or one for something else.
    package struct Refused: Error {}

    /// Largest frame taken from a server.
    private static let frameLimit = 1 << 28

    private let host: String
    private let path: String

    package init(host: String, path: String) {
        self.host = host
        self.path = path
    }

    /// Sends the request once the connection is there, on its event loop.
    /// - Parameter whenOpen: called when the server has agreed; adds the handlers that read and write octets.
    /// - Returns: what `whenOpen` returned.
    package func begin<Opened: Sendable>(
        _ channel: any Channel, whenOpen: @escaping @Sendable (any Channel) throws -> Opened
    ) throws -> EventLoopFuture<Opened> {
        let upgrader = NIOTypedWebSocketClientUpgrader(maxFrameSize: Self.frameLimit) { channel, head in
            channel.eventLoop.makeCompletedFuture {
                guard head.headers["sec-websocket-protocol"] == ["mqtt"] else { throw Refused() }  // MQTT-6.0.0-4
                try channel.pipeline.syncOperations.addHandler(WebSocketStream(.client))
                return try whenOpen(channel)
            }
        }
        let configuration = NIOTypedHTTPClientUpgradeConfiguration(upgradeRequestHead: request, upgraders: [upgrader]) { channel in
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(Refused())
        }
        return try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(
            configuration: NIOUpgradableHTTPClientPipelineConfiguration(upgradeConfiguration: configuration))
    }

    private var request: HTTPRequestHead {
        let authority = host.contains(":") ? "[\(host)]" : host
        // MQTT-6.0.0-3
        let headers: HTTPHeaders = ["host": authority, "content-length": "0", "sec-websocket-protocol": "mqtt"]
        return HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: headers)
    }
}
