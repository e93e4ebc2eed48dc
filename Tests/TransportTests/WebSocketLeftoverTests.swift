import NIOCore
import NIOEmbedded
import TestKit
import Testing

@testable import Transport

/// Strangers end connections whenever they like: whatever was under way, nothing of a closed one may stay in memory.
@Suite struct WebSocketLeftoverTests {
    enum End: CaseIterable {
        case closed, late
    }

    /// What the callbacks of an upgrade hold.
    private final class Callbacks {
        var calls = 0
    }

    private static let head = WebSocketHandshake.head
    private static let upgrade = Array(WebSocketHandshake.request.utf8)

    @Test(
        arguments: [
            "", "GET /mq", head,
            head + "Transfer-Encoding: chunked\r\n\r\n",
            head + "Transfer-Encoding: chunked\r\n\r\n10\r\nhalf",
            head + "Transfer-Encoding: chunked\r\n\r\nnone\r\n",
            head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            head + "Content-Length: 10\r\n\r\n",
            head + "Content-Length: 10\r\nExpect: 100-continue\r\n\r\n",
            head + "Expect: 100-continue\r\n\r\n",
            head.replacing("/mqtt", with: "/other") + "\r\n",
        ], End.allCases)
    func aHandshakeLeavesNothing(request: String, end: End) throws {
        try expectNothingLeft(of: [Array(request.utf8)], end)
    }

    @Test(
        arguments: [
            [], [0x82, 0x90, 0], [0x82, 0x82, 0, 0, 0, 0, 0xC0, 0], [0x88, 0x80, 0, 0, 0, 0], [0x81, 0x80, 0, 0, 0, 0],
            [0x82, 0xFF, 0x7F],
        ], End.allCases)
    func aWebSocketLeavesNothing(frames: [UInt8], end: End) throws {
        try expectNothingLeft(of: [Self.upgrade, frames], end)
        try expectNothingLeft(of: [Self.upgrade + frames], end)
    }

    private func expectNothingLeft(of pieces: [[UInt8]], _ end: End) throws {
        weak var channel: EmbeddedChannel?
        weak var callbacks: Callbacks?
        func use() throws {
            let used = EmbeddedChannel()
            let usedCallbacks = Callbacks()
            (channel, callbacks) = (used, usedCallbacks)
            try begin(used, usedCallbacks)
            for piece in pieces where used.isActive {
                // Errors are for handlers further in.
                _ = try? used.writeInbound(ByteBuffer(bytes: piece))
            }
            if end == .late { used.embeddedEventLoop.advanceTime(by: .seconds(11)) }
            used.close(promise: nil)
            used.embeddedEventLoop.advanceTime(by: .seconds(2))  // a Close is waited for
            #expect(!used.isActive)
        }
        try use()
        #expect(channel == nil && callbacks == nil)
    }

    private func begin(_ channel: EmbeddedChannel, _ callbacks: Callbacks) throws {
        let upgrade = WebSocketUpgrade(
            WebSocketSettings(path: "/mqtt", subprotocols: ["mqtt"]), isLoopback: false,
            deadline: channel.embeddedEventLoop.now + .seconds(10))
        try upgrade.begin(channel) {
            callbacks.calls += 1
        } whenRefused: { _ in
            callbacks.calls += 1
        } whenOpen: { _ in
            callbacks.calls += 1
        }
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 5)).wait()
    }
}
