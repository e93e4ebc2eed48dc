import Foundation
import TestKit
import Testing

/// What listeners can be told: addresses, unix sockets, the PROXY protocol, limits of their own.
@Suite struct ListenerTests {
    /// CONNECT of 5.0, client id `dev`, clean start.
    private static let connect = octets(hex: "10 10 00 04 4d 51 54 54 05 02 00 3c 00 00 03 64 65 76") ?? []

    /// The CONNACK to `octets`, sent to the TCP listener.
    private func answer(_ apus: RunningApus, to octets: [UInt8]) async throws -> [UInt8] {
        let client = try RawSocket(.tcp, port: apus.port("mqtt.tcp"))
        client.send(octets)
        return try await client.wait { $0.octets.count >= 4 || $0.isClosed ? $0.octets : nil }
    }

    @Test func aUnixSocketServesAndIsGoneAfterwards() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString).sock").path
        let apus = try await RunningApus(["mqtt.unix.enabled=true", "mqtt.unix.path=\(path)", "mqtt.unix.mode=0600"])
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        let subscriber = try await Mosquitto.subscribe(apus, "u/+", ["--unix", path])
        try await Mosquitto.publish(apus, "u/1", [7], ["--unix", path])
        #expect(try await subscriber.messages(1).first?.payload == [7])
        #expect(try await apus.stop() == 0)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func aUnixSocketInUseIsOneSentenceAndOneLeftBehindIsReplaced() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString).sock").path
        let settings = ["mqtt.unix.enabled=true", "mqtt.unix.path=\(path)"]
        let first = try await RunningApus(settings)
        let ports = [
            "mqtt.tcp.port=0", "mqtt.ws.port=0", "mqttsn.udp.port=0", "coap.udp.port=0", "admin.http.port=0",
            "store.durability=memory",
        ]
        let second = try RunningApus.start(["serve"] + (ports + settings).flatMap { ["--set", $0] })
        #expect(try await second.exitStatus() == 69)
        #expect(
            second.errorLines == [
                "apus: mqtt.unix cannot listen: another process listens on \(path) (--set mqtt.unix.path)"
            ])
        first.program.signal(SIGKILL)
        _ = try await first.program.exitStatus()
        let third = try await RunningApus(settings)
        #expect(try await third.stop() == 0)
    }

    @Test func oneListenerTakesIPv4AndIPv6() async throws {
        let apus = try await RunningApus([#"mqtt.tcp.address=[127.0.0.1, "::1"]"#])
        let six = ["-h", "::1", "-p", "\(try apus.port("mqtt.tcp", at: "::1"))"]
        let subscriber = try await Mosquitto.subscribe(apus, "six/+", six)
        try await Mosquitto.publish(apus, "six/four", [4])
        try await Mosquitto.publish(apus, "six/six", [6], six)
        #expect(try await subscriber.messages(2).map(\.payload) == [[4], [6]])
    }

    /// A process with one processor has one loop.
    @Test(arguments: [(1, min(2, ProcessInfo.processInfo.activeProcessorCount)), (256, 1)])
    func asManyConnectionsShareALoopAsIsSet(connectionsPerLoop: Int, loops: Int) async throws {
        let apus = try await RunningApus(["mqtt.connections_per_loop=\(connectionsPerLoop)"])
        let before = try Self.watched(by: apus)
        var clients: [RawSocket] = []
        for number in 0..<6 {
            let client = try RawSocket(.tcp, port: apus.port("mqtt.tcp"))
            client.send(MQTTOctets.connect("client \(number)"))
            _ = try await client.wait { $0.octets.count >= 4 ? $0.octets : nil }
            clients.append(client)
        }
        // One more may be a timer's.
        let busier = try Self.watched(by: apus).filter { $0.value > before[$0.key, default: 0] + 1 }
        #expect(busier.count >= loops && (busier.count == 1) == (loops == 1))
        withExtendedLifetime(clients) {}
    }

    /// How many descriptors each event loop watches, by its own (proc_pid_fdinfo(5)).
    private static func watched(by apus: RunningApus) throws -> [String: Int] {
        let folder = "/proc/\(apus.program.processIdentifier)/fdinfo"
        var counts: [String: Int] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            // One may have been closed by now.
            guard let text = try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8) else { continue }
            let count = text.split(separator: "\n").count { $0.hasPrefix("tfd:") }
            if count > 0 { counts[name] = count }
        }
        return counts
    }

    /// Without password file only loopback comes in, so the CONNACK tells whose address counts.
    @Test(arguments: [
        ("PROXY TCP4 203.0.113.7 192.0.2.1 50123 1883\r\n", 0x87 as UInt8),
        ("PROXY TCP6 2001:db8::7 2001:db8::1 50123 1883\r\n", 0x87),
        ("PROXY TCP4 127.0.0.1 127.0.0.1 50123 1883\r\n", 0),
        ("PROXY UNKNOWN\r\n", 0),
    ])
    func theProxysWordIsTheClientsAddress(header: String, code: UInt8) async throws {
        let apus = try await RunningApus(["mqtt.tcp.proxy_protocol=true"])
        let answer = try await answer(apus, to: Array(header.utf8) + Self.connect)
        #expect(answer.first == 0x20)
        #expect(answer.dropFirst(3).first == code)
    }

    @Test func version2OfTheProxyProtocolIsRead() async throws {
        let apus = try await RunningApus(["mqtt.tcp.proxy_protocol=true"])
        let start = try #require(octets(hex: "0d0a0d0a000d0a515549540a 21 11 000c"))
        let far = try #require(octets(hex: "cb007107 c0000201 c3cb 075b"))
        let near = try #require(octets(hex: "7f000001 7f000001 c3cb 075b"))
        #expect(try await answer(apus, to: start + far + Self.connect).dropFirst(3).first == 0x87)
        #expect(try await answer(apus, to: start + near + Self.connect).dropFirst(3).first == 0)
    }

    @Test func whoComesWithoutTheProxyIsClosed() async throws {
        let apus = try await RunningApus(["mqtt.tcp.proxy_protocol=true"])
        #expect(try await answer(apus, to: Self.connect).isEmpty)
        #expect(try await apus.stop() == 0)
    }

    @Test func aListenerHasLimitsOfItsOwn() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString).sock").path
        let apus = try await RunningApus([
            "mqtt.tcp.max_connections=1", "mqtt.tcp.max_packet_size=2KB", "mqtt.tcp.connect_timeout=3s",
            "mqtt.unix.enabled=true", "mqtt.unix.path=\(path)",
        ])
        let silent = try RawSocket(.tcp, port: apus.port("mqtt.tcp"))
        try await silent.wait { $0.isClosed ? true : nil }  // after three seconds
        // It is closed before its place is free.
        try await apus.metrics { $0.sum("apus_connections", ["listener": "mqtt.tcp"]) == 0 }
        let client = try RawSocket(.tcp, port: apus.port("mqtt.tcp"))
        client.send(Self.connect)
        let answer = try await client.wait { $0.octets.count >= 4 ? $0.octets : nil }
        // Maximum packet size, property 0x27: 2,048 (MQTT 5.0, 3.2.2.3.6).
        #expect(hex(answer).contains("27 00 00 08 00"))
        let second = try RawSocket(.tcp, port: apus.port("mqtt.tcp"))
        try await second.wait { $0.isClosed ? true : nil }
        // The other listener has room.
        try await Mosquitto.publish(apus, "x", [1], ["--unix", path])
    }
}
