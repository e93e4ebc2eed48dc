import Foundation
import TestKit
import Testing

/// TLS listeners: who gets in, who does not, and that a bad handshake harms nobody else.
@Suite struct TLSTests {
    private let certificates: Certificates
    /// CONNECT of 5.0, client id `dev`, clean start.
    private static let connect = octets(hex: "10 10 00 04 4d 51 54 54 05 02 00 3c 00 00 03 64 65 76") ?? []

    init() async throws {
        certificates = try await Certificates()
    }

    private func start(_ settings: [String] = []) async throws -> RunningApus {
        try await RunningApus(["mqtt.tls.enabled=true", "sys_interval=100ms"] + certificates.settings + settings)
    }

    /// What makes a Mosquitto client use the TLS listener.
    private func secure(_ apus: RunningApus, at address: String? = nil) throws -> [String] {
        [
            "-h", address ?? "127.0.0.1", "-p", "\(try apus.port("mqtt.tls", at: address))", "--cafile",
            certificates.authority,
        ]
    }

    /// Waits until the gateway has counted `value` of `counter`.
    private func expect(_ apus: RunningApus, _ counter: String, _ value: Int = 1) async throws {
        let subscriber = try await Mosquitto.subscribe(apus, "$SYS/broker/gateways/mqtt/\(counter)")
        let payload = hex(Array("\(value)".utf8)).replacing(" ", with: "")
        try await subscriber.program.line { $0.hasPrefix("MESSAGE ") && $0.hasSuffix(" \(payload)") }
    }

    @Test(arguments: ["31", "311", "5"])
    func mosquittoTalksOverTLS(version: String) async throws {
        let apus = try await start()
        let subscriber = try await Mosquitto.subscribe(apus, "tls/+", version: version, secure(apus))
        for qos in 0...2 {
            try await Mosquitto.publish(
                apus, "tls/\(qos)", [UInt8](repeating: 7, count: 40_000), qos: qos, version: version, secure(apus))
        }
        try await Mosquitto.publish(apus, "tls/plain", [1], version: version)
        let messages = try await subscriber.messages(4)
        #expect(Set(messages.map(\.topic)) == ["tls/0", "tls/1", "tls/2", "tls/plain"])
        #expect(messages.filter { $0.payload.count == 40_000 }.count == 3)
        #expect(try await apus.stop() == 0)
    }

    @Test func IPv6IsServedToo() async throws {
        let apus = try await start([#"mqtt.tls.address=[127.0.0.1, "::1"]"#])
        let subscriber = try await Mosquitto.subscribe(apus, "six", secure(apus, at: "::1"))
        try await Mosquitto.publish(apus, "six", [6], secure(apus, at: "127.0.0.1"))
        #expect(try await subscriber.messages(1).first?.payload == [6])
    }

    // MARK: Handshakes that fail

    @Test func plainMQTTAtTheTLSPortIsClosedAndCounted() async throws {
        let apus = try await start()
        let client = try RawSocket(.tcp, port: apus.port("mqtt.tls"))
        client.send(Self.connect)
        try await client.wait { $0.isClosed ? true : nil }
        try await expect(apus, "tls_handshakes_failed_not_tls")
        try await Mosquitto.publish(apus, "x", [1], secure(apus))
        try await apus.expectServing()
    }

    @Test func TLSAtThePlainPortIsClosedAndCounted() async throws {
        let apus = try await start()
        let arguments = [
            "-h", "127.0.0.1", "-p", "\(try apus.port("mqtt.tcp"))", "--cafile", certificates.authority, "-t", "x",
            "-m", "y",
        ]
        #expect(try await Program("mosquitto_pub", arguments).exitStatus() != 0)
        try await expect(apus, "protocol_errors")
        try await apus.expectServing()
    }

    @Test func aClientThatDoesNotKnowTheCAIsCounted() async throws {
        let apus = try await start()
        let other = try await Certificates()
        let port = ["-h", "127.0.0.1", "-p", "\(try apus.port("mqtt.tls"))"]
        let program = try Program("mosquitto_pub", port + ["--cafile", other.authority, "-t", "x", "-m", "y"])
        #expect(try await program.exitStatus() != 0)
        try await expect(apus, "tls_handshakes_failed_refused_by_client")
        try await apus.expectServing()
    }

    @Test func aClientThatSpeaksOnlyOldVersionsIsCounted() async throws {
        let apus = try await start(["tls.min_version=1.3"])
        let address = "127.0.0.1:\(try apus.port("mqtt.tls"))"
        #expect(try await Program("openssl", ["s_client", "-tls1_2", "-connect", address]).exitStatus() != 0)
        try await expect(apus, "tls_handshakes_failed_nothing_in_common")
        try await Mosquitto.publish(apus, "x", [1], secure(apus))
    }

    /// One deadline for handshake and CONNECT.
    @Test func aClientThatDoesNotFinishIsClosedInTime() async throws {
        let apus = try await start(["mqtt.tls.connect_timeout=1s"])
        let silent = try RawSocket(.tcp, port: apus.port("mqtt.tls"))
        let half = try RawSocket(.tcp, port: apus.port("mqtt.tls"))
        half.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])
        // Shakes hands, and says nothing after that.
        let shaken = try Program(
            "openssl",
            [
                "s_client", "-quiet", "-connect", "127.0.0.1:\(try apus.port("mqtt.tls"))", "-CAfile",
                certificates.authority,
            ])
        try await silent.wait { $0.isClosed ? true : nil }
        try await half.wait { $0.isClosed ? true : nil }
        _ = try await shaken.exitStatus()
        try await expect(apus, "connect_timeouts", 3)
        try await apus.expectServing()
    }

    @Test func whoGoesAwayInTheMiddleIsCounted() async throws {
        let apus = try await start()
        do {
            let client = try RawSocket(.tcp, port: apus.port("mqtt.tls"))
            client.send([0x16, 0x03, 0x01])
        }
        try await expect(apus, "tls_handshakes_failed_left")
        try await apus.expectServing()
    }

    @Test func limitsOfTheListenerHold() async throws {
        let apus = try await start(["mqtt.tls.max_connections=1"])
        let first = try RawSocket(.tcp, port: apus.port("mqtt.tls"))
        first.send([0x16])
        let second = try RawSocket(.tcp, port: apus.port("mqtt.tls"))
        try await second.wait { $0.isClosed ? true : nil }
        try await expect(apus, "connections_over_limit")
    }

    /// A TLS connection to the listener for secure WebSockets that says `octets` and then listens until it is closed.
    private func say(_ octets: [UInt8], _ apus: RunningApus) throws -> Program {
        let place = "127.0.0.1:\(try apus.port("mqtt.wss"))"
        let program = try Program(
            "openssl", ["s_client", "-quiet", "-connect", place, "-CAfile", certificates.authority])
        program.finishInput(octets)
        return program
    }

    @Test func limitsOfTheListenerForSecureWebSocketsHold() async throws {
        let apus = try await start([
            "mqtt.wss.enabled=true", "mqtt.wss.max_connections=1", "mqtt.wss.max_packet_size=2KB",
            "mqtt.wss.max_frame_size=1KB", "mqtt.wss.connect_timeout=5s",
        ])
        let request = RawWebSocket.request()
        // Who asks for a WebSocket and does not CONNECT holds the one place there is, for five seconds.
        let mute = try say(request, apus)
        try await mute.line { $0.hasPrefix("HTTP/1.1 101 ") }
        let second = try RawSocket(.tcp, port: apus.port("mqtt.wss"))
        try await second.wait { $0.isClosed ? true : nil }
        _ = try await mute.exitStatus()
        // It is closed before its place is free.
        let isFree: @Sendable (Exposition) -> Bool = { $0.sum("apus_connections", ["listener": "mqtt.wss"]) == 0 }
        try await apus.metrics(where: isFree)
        let large = try say(request + RawWebSocket.frame(.binary, [UInt8](repeating: 0, count: 1_025)), apus)
        _ = try await large.exitStatus()
        try await apus.metrics(where: isFree)
        let client = try say(request + RawWebSocket.frame(.binary, MQTTOctets.connect("c")), apus)
        // Maximum packet size, property 0x27: 2,048 (MQTT 5.0, 3.2.2.3.6).
        try await client.line { $0.contains("\u{27}\0\0\u{8}\0") }
        try await expect(apus, "connections_over_limit")
        try await expect(apus, "connect_timeouts")
    }

    // MARK: A proxy in front

    /// Without password file only loopback comes in, so the CONNACK tells whose address counts.
    @Test(arguments: [("mqtt.tls", 1), ("mqtt.tls", 2), ("mqtt.wss", 1), ("mqtt.wss", 2)])
    func theProxysHeaderComesBeforeTLS(listener: String, version: Int) async throws {
        let apus = try await start(["mqtt.wss.enabled=true", "\(listener).proxy_protocol=true"])
        let script = "\(BuiltProducts.repository)/Tests/EndToEndTests/Clients/tls_proxy.py"
        for (address, code) in [("203.0.113.7", "135"), ("127.0.0.1", "0")] {
            let transport = listener == "mqtt.wss" ? "wss" : "tls"
            let client = try Program(
                "python3",
                [script, "\(try apus.port(listener))", certificates.authority, transport, "\(version)", address])
            #expect(try await client.exitStatus() == 0)
            #expect(client.lines == ["CONNACK \(code)"])
        }
    }

    /// Who has proved who he is comes in from anywhere, and nobody else does.
    @Test func aCertificateOpensWhatLoopbackOpens() async throws {
        let apus = try await start([
            "mqtt.tls.proxy_protocol=true", "mqtt.tls.client_certificate=optional", "mqtt.tls.certificate_username=cn",
        ])
        let script = "\(BuiltProducts.repository)/Tests/EndToEndTests/Clients/tls_proxy.py"
        let far = [script, "\(try apus.port("mqtt.tls"))", certificates.authority, "tls", "1", "203.0.113.7"]
        for (more, code) in [([certificates.certificate("client"), certificates.key("client")], "0"), ([], "135")] {
            let client = try Program("python3", far + more)
            #expect(try await client.exitStatus() == 0)
            #expect(client.lines == ["CONNACK \(code)"])
        }
    }
}
