import Foundation
import TestKit
import Testing

/// MQTT over WebSocket: paho-mqtt, and frames no client would send.
@Suite struct WebSocketTests {
    /// CONNECT of 3.1.1, client id `dev`, clean session.
    private static let connect = octets(hex: "10 0f 00 04 4d 51 54 54 04 02 00 3c 00 03 64 65 76") ?? []
    private static let connack: [UInt8] = [0x20, 0x02, 0x00, 0x00]
    private static let pingreq: [UInt8] = [0xC0, 0x00], pingresp: [UInt8] = [0xD0, 0x00]

    @Test(arguments: [3, 4, 5], [256, 100_000])
    func pahoTalksToItself(version: Int, size: Int) async throws {
        let apus = try await RunningApus()
        let port = "\(try apus.port("mqtt.ws"))"
        let client = try PahoClient.start(["websockets", "\(version)", port, "size=\(size)"])
        let sum = (0..<size).reduce(0) { $0 + $1 % 251 }
        #expect(try await client.exitStatus() == 0)
        #expect(client.lines == ["MESSAGE 2 \(size) \(sum)"])
        #expect(try await apus.stop() == 0)
    }

    @Test func overWebSocketAndTCPTheyAreOneBroker() async throws {
        let apus = try await RunningApus()
        let subscriber = try await Mosquitto.subscribe(apus, "paho/#")
        let client = try PahoClient.start(["websockets", "5", "\(try apus.port("mqtt.ws"))", "size=3"])
        #expect(try await subscriber.messages(1).first?.payload == [0, 1, 2])
        #expect(try await client.exitStatus() == 0)
    }

    @Test func packetsSpanFramesAndFramesHoldPackets() async throws {
        let apus = try await RunningApus()
        let client = try await RawWebSocket(port: apus.port("mqtt.ws"))
        for octet in Self.connect { client.send(.binary, [octet]) }
        try await client.waitForOctets(Self.connack)
        client.send(.binary, Self.pingreq + Self.pingreq + [0xC0])
        client.send(.binary, [0x00], isLast: false)
        client.send(.ping, [1, 2])
        client.send(.continuation, Self.pingreq)
        try await client.waitForOctets(Self.connack + Self.pingresp + Self.pingresp + Self.pingresp + Self.pingresp)
        #expect(client.frames.contains(.init(opcode: .pong, octets: [1, 2])))
    }

    @Test func theCloseHandshakeIsAnswered() async throws {
        let apus = try await RunningApus()
        let client = try await RawWebSocket(port: apus.port("mqtt.ws"))
        client.send(.close, [0x03, 0xE8])
        #expect(try await client.waitForEnd() == .init(opcode: .close, octets: [0x03, 0xE8]))
    }

    @Test func DISCONNECTClosesTheWebSocketToo() async throws {
        let apus = try await RunningApus()
        let client = try await RawWebSocket(port: apus.port("mqtt.ws"))
        client.send(.binary, Self.connect + [0xE0, 0x00])
        #expect(try await client.waitForEnd() == .init(opcode: .close, octets: [0x03, 0xE8]))
    }

    /// MQTT-6.0.0-1; RFC 6455, 7.4.1: 1003, 1002, 1009
    @Test(arguments: [
        (RawWebSocket.Opcode.text, [0x03, 0xEB] as [UInt8]), (.continuation, [0x03, 0xEA]),
    ])
    func framesOfTheWrongKindEndTheConnectionAndNoOther(opcode: RawWebSocket.Opcode, code: [UInt8]) async throws {
        let apus = try await RunningApus()
        let client = try await RawWebSocket(port: apus.port("mqtt.ws"))
        client.send(opcode, Self.connect)
        #expect(try await client.waitForEnd() == .init(opcode: .close, octets: code))
        try await apus.expectServing()
    }

    @Test func aFrameBeyondTheLimitEndsTheConnection() async throws {
        let apus = try await RunningApus(["mqtt.ws.max_frame_size=1KB"])
        let client = try await RawWebSocket(port: apus.port("mqtt.ws"))
        client.send(.binary, [UInt8](repeating: 0, count: 1_025))
        #expect(try await client.waitForEnd() == .init(opcode: .close, octets: [0x03, 0xF1]))
    }

    @Test(arguments: [
        (["/other"], "404"), (["/mqtt", "Origin: http://evil.example"], "403"),
        (["/mqtt", "Sec-WebSocket-Protocol: wamp"], "400"),
        (["/mqtt", "Origin: https://console.example.org"], "101"), (["/mqtt"], "101"),
    ])
    func theRequestDecides(request: [String], status: String) async throws {
        let apus = try await RunningApus([#"mqtt.ws.origins=["https://console.example.org"]"#])
        let answer = try await RawWebSocket.answer(
            port: apus.port("mqtt.ws"), path: request[0], headers: Array(request.dropFirst()))
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
    }

    @Test func whatIsRefusedIsCounted() async throws {
        let apus = try await RunningApus()
        let request = String(decoding: RawWebSocket.request(), as: UTF8.self)
        for opening in [request.replacing("HTTP/1.1", with: "HTTP/1.0"), "\u{10}\u{0C}\0\u{04}MQTT"] {
            let client = try RawSocket(.tcp, port: apus.port("mqtt.ws"))
            client.send(Array(opening.utf8))
            let answer = try await client.wait { $0.isClosed ? $0.octets : nil }
            #expect(String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.1 400 "))
        }
        _ = try await RawWebSocket(port: apus.port("mqtt.ws"))
        #expect(try await apus.metrics()["apus_gateway_websockets_refused_total", ["gateway": "mqtt"]] == 2)
        #expect(try await apus.stop() == 0)
    }

    @Test func aClientThatDoesNotAskIsClosed() async throws {
        let apus = try await RunningApus(["mqtt.ws.connect_timeout=3s"])
        let client = try RawSocket(.tcp, port: apus.port("mqtt.ws"))
        client.send(Array("GET /mqtt HTTP/1.1\r\n".utf8))
        try await client.wait { $0.isClosed ? true : nil }
        let other = try await RawWebSocket(port: apus.port("mqtt.ws"))  // asks, and does not CONNECT
        _ = try await other.waitForEnd()
        try await apus.expectServing()
    }
}
