import Foundation
import TestKit
import Testing

extension HostileClients {
    /// What the envelope of MQTT over WebSocket can be used for, and is not allowed to cost.
    @Suite struct HostileWebSocketTests {
        private func connected(_ apus: RunningApus, _ clientID: String, keepAlive: UInt16 = 0) async throws
            -> RawWebSocket
        {
            let client = try await RawWebSocket(port: apus.port("mqtt.ws"))
            client.send(.binary, MQTTOctets.connect(clientID, keepAlive: keepAlive))
            try await client.waitForFrame { $0.octets.first == 0x20 }
            return client
        }

        @Test func aPacketInThousandsOfFragmentsIsOnePacket() async throws {
            let apus = try await RunningApus(alone)
            let client = try await connected(apus, "fragments")
            let packet = MQTTOctets.publish("f", [UInt8](repeating: 7, count: 5_000)) + MQTTOctets.pingRequest
            var octets: [UInt8] = []
            for (index, octet) in packet.enumerated() {
                octets += RawWebSocket.frame(
                    index == 0 ? .binary : .continuation, [octet], isLast: index == packet.count - 1)
                // Empty ones in between mean nothing.
                if index % 100 == 50 { octets += RawWebSocket.frame(.continuation, [], isLast: false) }
            }
            client.send(raw: octets)
            try await client.waitForFrame { $0.octets == MQTTOctets.pingResponse }
            let metrics = try await apus.metrics()
            #expect(metrics["apus_messages_received_bytes_total", ["listener": "mqtt.ws"]] == 5_001)
            #expect(try await apus.stop() == 0)
        }

        @Test func fragmentsWithoutEndAreBoundedByThePacketSize() async throws {
            let apus = try await RunningApus(alone)
            let client = try await connected(apus, "endless")
            // A PUBLISH that announces 256 MB, its fragments one after the other.
            client.send(.binary, [0x30, 0xFF, 0xFF, 0xFF, 0x7F], isLast: false)
            _ = client.flood(
                RawWebSocket.frame(.continuation, [UInt8](repeating: 0, count: 60_000), isLast: false), times: 4_000)
            let frames = try await client.waitForFrame { $0.octets.first == 0xE0 }
            #expect(frames.last { $0.octets.first == 0xE0 }?.octets.dropFirst(2).first == 0x95)
            try await apus.expectServing()
        }

        @Test func aFrameThatAnnouncesTheWorldIsRefusedBeforeAnythingIsReserved() async throws {
            let apus = try await RunningApus(alone)
            let clients = try await (0..<20).asyncMap { try await connected(apus, "huge-\($0)") }
            let before = try apus.residentOctets
            // 2^62 octets (RFC 6455, 5.2).
            for client in clients { client.send(raw: [0x82, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]) }
            // 1009, message too big.
            for client in clients {
                #expect(try await client.waitForEnd() == .init(opcode: .close, octets: [0x03, 0xF1]))
            }
            #expect(try apus.residentOctets - before < 16 << 20)
            try await apus.expectServing()
        }

        @Test func halfFramesOfAllTogetherAreBounded() async throws {
            let apus = try await RunningApus(alone + ["mqtt.max_unfinished=1MB"])
            let clients = try await (0..<30).asyncMap { try await connected(apus, "half-\($0)") }
            // 60,000 octets announced, 50,000 sent, and then nothing more.
            let frame = RawWebSocket.frame(.binary, MQTTOctets.publish("a", [UInt8](repeating: 0, count: 60_000)))
            for client in clients { client.send(raw: Array(frame.prefix(50_000))) }
            let metrics = try await apus.metrics { $0.sum("apus_gateway_unfinished_over_limit_total") >= 10 }
            let over = Int(metrics.sum("apus_gateway_unfinished_over_limit_total"))
            let isGoodbye = { @Sendable (frame: RawWebSocket.Frame) in
                frame.octets.starts(with: [0xE0]) && frame.octets[2] == 0x97
            }
            try await waitFor(over, of: clients) { try await $0.waitForFrame(where: isGoodbye) }
            let told = clients.count { $0.frames.contains(where: isGoodbye) }
            #expect(told == over && over < 15, "20 fit")
            // Whose frame fitted goes on.
            let fitting = try #require(clients.first { !$0.frames.contains { $0.octets.first == 0xE0 } })
            fitting.send(raw: Array(frame.dropFirst(50_000)))
            fitting.send(.binary, MQTTOctets.pingRequest)
            try await fitting.waitForFrame { $0.octets == MQTTOctets.pingResponse }
            try await apus.expectServing()
        }

        /// An HTTP request, a TLS handshake: what comes before MQTT is held, too.
        @Test(arguments: [("mqtt.ws", "GET /mqtt HTTP/1.1\r\nx: "), ("mqtt.tls", "\u{16}\u{3}\u{1}\u{3F}\0")])
        func halfOpeningsOfAllTogetherAreBounded(listener: String, beginning: String) async throws {
            let certificates = try await Certificates()
            let settings = alone + certificates.settings + ["mqtt.tls.enabled=true", "mqtt.max_unfinished=1MB"]
            let apus = try await RunningApus(settings)
            let half = Array(beginning.utf8) + [UInt8](repeating: 0x78, count: 15_000)
            let sockets = try (0..<100).map { _ in
                let socket = try RawSocket(.tcp, port: apus.port(listener))
                socket.send(half)
                return socket
            }
            // 69 fit.
            try await apus.metrics { $0.sum("apus_gateway_unfinished_over_limit_total") == 31 }
            #expect(sockets.count { $0.received.read { $0.isClosed } } <= 31)
            try await apus.expectServing()
        }

        @Test func pingsAreAnsweredAndKeepNoSessionAlive() async throws {
            let apus = try await RunningApus(alone)
            let client = try await connected(apus, "pings", keepAlive: 2)
            client.send(raw: Array(repeatElement(RawWebSocket.frame(.ping, [1]), count: 300).joined()))
            try await client.waitForFrames { $0.count { $0.opcode == .pong } == 300 }
            let drip = Task {
                while !Task.isCancelled {
                    client.send(.ping, [])
                    try await Task.sleep(for: .milliseconds(100))
                }
            }
            defer { drip.cancel() }
            // MQTT-3.1.2-22: only control packets count.
            let frames = try await client.waitForFrame { $0.octets.first == 0xE0 }
            #expect(frames.last { $0.octets.first == 0xE0 }?.octets.dropFirst(2).first == 0x8D)
            try await apus.expectServing()
        }

        @Test func endlessPingsThatNobodyReadsTheAnswersOfAreReadNoFurther() async throws {
            let apus = try await RunningApus(alone)
            let before = try apus.residentOctets
            let pings = Array(
                repeatElement(RawWebSocket.frame(.ping, [UInt8](repeating: 7, count: 100)), count: 1_000).joined())
            let sockets = try (0..<3).map { number in
                let socket = try RawSocket(.tcp, port: apus.port("mqtt.ws"), reads: false)
                socket.send(RawWebSocket.request() + RawWebSocket.frame(.binary, MQTTOctets.connect("deaf-\(number)")))
                return (socket, socket.flood(pings, times: 1_000))
            }
            try await expectOthersServed(apus)
            // 100 MB of pongs each are on offer.
            #expect(try apus.residentOctets - before < 32 << 20)
            #expect(sockets.allSatisfy { $0.1.read { $0 < 1_000 } })
            #expect(try await apus.stop() == 0)
        }
    }
}
