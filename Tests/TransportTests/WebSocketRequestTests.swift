import NIOHTTP1
import Testing

@testable import Transport

@Suite struct WebSocketRequestTests {
    private static let settings: WebSocketSettings = {
        var settings = WebSocketSettings(path: "/mqtt", subprotocols: ["mqtt", "mqttv3.1"])
        settings.origins = ["https://console.example.org"]
        return settings
    }()

    /// A good request, changed by `headers`; an empty value removes one.
    private func judge(
        _ headers: [(String, String)] = [], uri: String = "/mqtt", method: HTTPMethod = .GET,
        version: HTTPVersion = .http1_1, isLoopback: Bool = false
    ) -> WebSocketRequest.Verdict {
        var head = HTTPRequestHead(version: version, method: method, uri: uri)
        head.headers = [
            "Host": "broker.example.org:8083", "Upgrade": "websocket", "Connection": "keep-alive, Upgrade",
            "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol": "mqtt",
        ]
        for (name, value) in headers {
            head.headers.remove(name: name)
            if !value.isEmpty { head.headers.add(name: name, value: value) }
        }
        return WebSocketRequest(settings: Self.settings, isLoopback: isLoopback).judge(head)
    }

    /// MQTT-6.0.0-4
    @Test(arguments: [
        ("mqtt", "mqtt"), ("mqttv3.1", "mqttv3.1"), ("mqttv3.1, mqtt", "mqtt"), ("other,mqtt", "mqtt"),
    ])
    func theSubprotocolIsChosenFromThoseOffered(offered: String, chosen: String) {
        #expect(judge([("Sec-WebSocket-Protocol", offered)]) == .accept(subprotocol: chosen))
    }

    @Test(arguments: ["", "MQTT5", "wamp"])
    func aClientThatOffersNoSuchSubprotocolIsRefused(offered: String) {
        #expect(judge([("Sec-WebSocket-Protocol", offered)]) == .refuse(.badRequest))
    }

    @Test func onlyThePathCounts() {
        #expect(judge(uri: "/mqtt?token=1") == .accept(subprotocol: "mqtt"))
        #expect(judge(uri: "/") == .refuse(.notFound))
        #expect(judge(uri: "/mqtt/") == .refuse(.notFound))
    }

    @Test func whatIsNoWebSocketRequestIsTold() {
        #expect(judge(method: .POST) == .refuse(.methodNotAllowed))
        #expect(judge([("Upgrade", "")]) == .refuse(.upgradeRequired))
        #expect(judge([("Connection", "keep-alive")]) == .refuse(.upgradeRequired))
        #expect(judge([("Sec-WebSocket-Version", "8")]) == .refuse(.upgradeRequired))
        #expect(judge([("Sec-WebSocket-Key", "")]) == .refuse(.badRequest))
        #expect(judge([("Sec-WebSocket-Key", "short")]) == .refuse(.badRequest))
    }

    /// RFC 6455, 4.2.1: HTTP/1.1 or higher.
    @Test func aRequestInHTTP1_0IsRefused() {
        #expect(judge(version: .http1_0) == .refuse(.badRequest))
    }

    /// RFC 9112, 6: a body is announced by either field.
    @Test(arguments: [
        ("Content-Length", "10"), ("Content-Length", "00"), ("Transfer-Encoding", "chunked"),
        ("Transfer-Encoding", "x"),
    ])
    func aRequestWithABodyIsRefused(name: String, value: String) {
        #expect(judge([(name, value)]) == .refuse(.badRequest))
        #expect(judge([(name, value), ("Expect", "100-continue")]) == .refuse(.badRequest))
    }

    @Test(arguments: [("Content-Length", "0"), ("Expect", "100-continue")])
    func whatAnnouncesNoBodyIsNoHindrance(name: String, value: String) {
        #expect(judge([(name, value)]) == .accept(subprotocol: "mqtt"))
    }

    @Test(arguments: [
        ("https://console.example.org", true),  // listed
        ("http://broker.example.org:8083", true),  // the page of this host
        ("https://evil.example", false), ("http://broker.example.org", false), ("null", false),
    ])
    func pagesOfOtherHostsAreRefused(origin: String, isAccepted: Bool) {
        #expect(judge([("Origin", origin)]) == (isAccepted ? .accept(subprotocol: "mqtt") : .refuse(.forbidden)))
    }

    @Test(arguments: [
        ("127.0.0.1:8083", true), ("localhost:8083", true), ("[::1]:8083", true), ("rebound.example:8083", false),
    ])
    func aNameThatLeadsToLoopbackDoesNotMakeAPageLocal(host: String, isAccepted: Bool) {
        let verdict = judge([("Host", host), ("Origin", "http://\(host)")], isLoopback: true)
        #expect(verdict == (isAccepted ? .accept(subprotocol: "mqtt") : .refuse(.forbidden)))
    }
}
