import Foundation
import NIOCore
import NIOEmbedded
import TestKit
import Testing

@testable import Transport

/// The whole way from octets of HTTP to octets of MQTT.
@Suite struct WebSocketUpgradeTests {
    private static let request = WebSocketHandshake.request

    private final class Log {
        var isLate = false
        var refusals: [String] = []
        var isOpen = false
    }

    private let channel = EmbeddedChannel()
    private let log = Log()

    init() throws {
        var settings = WebSocketSettings(path: "/mqtt", subprotocols: ["mqtt"])
        settings.frameLimit = 1_000
        let deadline = channel.embeddedEventLoop.now + .seconds(10)
        let log = log
        try WebSocketUpgrade(settings, isLoopback: false, deadline: deadline).begin(channel) {
            log.isLate = true
        } whenRefused: { answer in
            log.refusals.append(answer)
        } whenOpen: { _ in
            log.isOpen = true
        }
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 5)).wait()
    }

    private func receive(_ octets: some Sequence<UInt8>) {
        // Errors are for handlers further in; here only what is sent and whether it goes on counts.
        _ = try? channel.writeInbound(ByteBuffer(bytes: octets))
        channel.embeddedEventLoop.run()
    }

    private func sent() throws -> [UInt8] {
        var octets: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { octets += Array(buffer.readableBytesView) }
        return octets
    }

    @Test func aRequestDripFedBecomesAWebSocket() throws {
        for octet in Self.request.utf8 { receive([octet]) }
        let answer = String(decoding: try sent(), as: UTF8.self)
        #expect(answer.hasPrefix("HTTP/1.1 101 "))
        #expect(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))  // RFC 6455, 1.3
        #expect(answer.contains("sec-websocket-protocol: mqtt\r\n"))
        #expect(log.isOpen)
        receive([0x82, 0x82, 0, 0, 0, 0, 0xC0, 0x00])
        #expect(try channel.readInbound(as: ByteBuffer.self) == ByteBuffer(bytes: [0xC0, 0x00]))
        channel.embeddedEventLoop.advanceTime(by: .seconds(11))
        #expect(channel.isActive && !log.isLate)
    }

    @Test(arguments: [
        ("GET /other HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 "),
        ("GET /mqtt HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 426 "),
        (request.replacing("Protocol: mqtt", with: "Protocol: x"), "HTTP/1.1 400 "),
        (request.replacing("Host:", with: "Origin: http://evil.example\r\nHost:"), "HTTP/1.1 403 "),
        (request.replacing("Version: 13", with: "Version: 7"), "HTTP/1.1 426 "),
        (request.replacing("HTTP/1.1", with: "HTTP/1.0"), "HTTP/1.1 400 "),
        ("\u{10}\u{0C}\0\u{04}MQTT", "HTTP/1.1 400 "),
    ])
    func whatIsNoneIsAnsweredOnceAndClosed(request: String, start: String) throws {
        receive(Array(request.utf8))
        let answer = String(decoding: try sent(), as: UTF8.self)
        #expect(answer.hasPrefix(start))
        #expect(answer.components(separatedBy: "HTTP/1.1").count == 2)
        #expect(!channel.isActive && !log.isOpen)
        #expect(log.refusals.count == 1)
        #expect(log.refusals.allSatisfy { $0.hasPrefix(start.dropFirst("HTTP/1.1 ".count)) })
    }

    @Test(arguments: ["Transfer-Encoding: chunked", "Content-Length: 10\r\nExpect: 100-continue"])
    func aBodyIsNotWaitedFor(field: String) throws {
        receive(Array(Self.request.replacing("Host:", with: "\(field)\r\nHost:").utf8))
        // Unlike a socket, this channel also has what is written after the close: the decoder misses the body.
        #expect(String(decoding: try sent(), as: UTF8.self).hasPrefix("HTTP/1.1 400 "))
        #expect(!channel.isActive && !log.isOpen)
    }

    @Test func anEndlessRequestIsCutOff() throws {
        receive(Array("GET /mqtt HTTP/1.1\r\n".utf8))
        for number in 0..<200 where channel.isActive {
            receive(Array("x\(number): \(String(repeating: "y", count: 200))\r\n".utf8))
        }
        #expect(!channel.isActive)
    }

    @Test func aSlowRequestIsCutOff() throws {
        receive(Array("GET /mqtt HTTP/1.1\r\n".utf8))
        channel.embeddedEventLoop.advanceTime(by: .seconds(11))
        #expect(!channel.isActive && log.isLate)
    }

    /// Announced is enough: nothing is gathered up to a length that would be refused.
    @Test func aFrameBeyondTheLimitIsRefusedWhenAnnounced() throws {
        receive(Array(Self.request.utf8))
        _ = try sent()
        receive([0x82, 0xFE, 0x03, 0xE9])  // 1,001 octets
        #expect(try sent() == [0x88, 0x02, 0x03, 0xF1])  // 1009
        #expect(!channel.isActive)
    }
}
