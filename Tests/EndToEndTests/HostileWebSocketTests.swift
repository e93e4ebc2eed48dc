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
