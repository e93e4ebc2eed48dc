import NIOCore
import NIOHTTP1

/// The opening handshake of a WebSocket, judged by its request (RFC 6455, 4.2.1).
struct WebSocketRequest {
    enum Verdict: Equatable {
        case accept(subprotocol: String)
        case refuse(HTTPResponseStatus)
    }

    let settings: WebSocketSettings
    /// The request comes from this machine's loopback.
    let isLoopback: Bool

    func judge(_ head: HTTPRequestHead) -> Verdict {
        let path = head.uri.prefix { $0 != "?" }
        guard path == settings.path else { return .refuse(.notFound) }
        // In 1.0 an upgrade is to be ignored (RFC 9110, 7.8). All other versions have been refused by swift-nio's decoder.
        guard head.version == .http1_1 else { return .refuse(.badRequest) }
        guard head.method == .GET else { return .refuse(.methodNotAllowed) }
        guard head.headers[canonicalForm: "upgrade"].contains(where: { $0.lowercased() == "websocket" }),
            head.headers[canonicalForm: "connection"].contains(where: { $0.lowercased() == "upgrade" }),
            head.headers["sec-websocket-version"] == ["13"]
        else { return .refuse(.upgradeRequired) }
        // 16 octets in Base64 (RFC 6455, 4.1).
        guard head.headers["sec-websocket-key"].count == 1, head.headers["sec-websocket-key"][0].utf8.count == 24 else {
            return .refuse(.badRequest)
        }
        // The request has no body (RFC 6455, 4.1: a GET; RFC 9112, 6.3). A body that never comes would be waited for, and
        // swift-nio's HTTPServerUpgradeHandler, while it waits, holds itself and so the connection, also when that has closed.
        guard !announcesBody(head.headers) else { return .refuse(.badRequest) }
        guard mayConnect(origins: head.headers["origin"], hosts: head.headers["host"]) else {
            return .refuse(.forbidden)
        }
        // MQTT-6.0.0-3: the client offers "mqtt"; and MQTT-6.0.0-4: the server answers with the one it takes.
        let offered = head.headers[canonicalForm: "sec-websocket-protocol"]
        guard let subprotocol = settings.subprotocols.first(where: { offered.contains(Substring($0)) }) else {
            return .refuse(.badRequest)
        }
        return .accept(subprotocol: subprotocol)
    }

    /// RFC 9112, 6: these two fields and nothing else say that there is one.
    private func announcesBody(_ headers: HTTPHeaders) -> Bool {
        headers.contains(name: "transfer-encoding") || headers["content-length"].contains { $0 != "0" }
    }

    /// Browsers say which page connects (RFC 6455, 10.2), and no page can make them say otherwise; other clients say nothing,
    /// or name the host they connect to.
    private func mayConnect(origins: [String], hosts: [String]) -> Bool {
        guard let origin = origins.first else { return true }
        guard origins.count == 1, hosts.count == 1 else { return false }
        if settings.origins.contains("*") || settings.origins.contains(origin) { return true }
        guard let scheme = origin.firstRange(of: "://") else { return false }  // "null", for example
        let host = hosts[0].lowercased()
        guard origin[scheme.upperBound...].lowercased() == host else { return false }
        // A page may have come by a name of its own that leads to loopback, to pass as being from here (DNS rebinding).
        return !isLoopback || isNumericOrLocal(host)
    }

    private func isNumericOrLocal(_ host: String) -> Bool {
        if host.hasPrefix("[") { return true }
        let name = host.prefix { $0 != ":" }
        return name == "localhost" || name.allSatisfy { $0.isNumber || $0 == "." }
    }
}
