import TestKit
import Testing

/// MQTT-SN over DTLS, with OpenSSL as the client.
@Suite struct DTLSTests {
    private static let key = "000102030405060708090a0b0c0d0e0f"

    /// One datagram of a client: a PUBLISH of QoS -1 to "ab".
    private func send(_ port: Int, _ identity: String, key: String = key) throws -> Program {
        let client = try Program(
            "openssl",
            [
                "s_client", "-quiet", "-no_ign_eof", "-dtls1_2", "-connect", "127.0.0.1:\(port)", "-psk_identity",
                identity, "-psk", key,
            ])
        client.finishInput([0x0B, 0x0C, 0x62, 0x61, 0x62, 0x00, 0x00] + Array("21.0".utf8))
        return client
    }

    @Test("openssl s_client publishes with a pre-shared key") func preSharedKey() async throws {
        let keys = try TemporaryFile("c1:\(Self.key)\n")
        let apus = try await RunningApus(["mqttsn.dtls.enabled=true", "mqttsn.dtls.psk_file=\(keys.path)"])
        let subscriber = try await Mosquitto.subscribe(apus, "ab")
        let client = try send(try apus.port("mqttsn.dtls"), "c1")
        try await subscriber.program.line { $0.hasPrefix("MESSAGE ") && $0.hasSuffix(" ab 32312e30") }
        _ = try await client.exitStatus()
        #expect(try await apus.stop() == 0)
    }

    @Test(
        "A listener without keys, or with files that are not right, does not start",
        arguments: [
            ([], "mqttsn.dtls.enabled"), (["mqttsn.dtls.psk_file=/nonexistent"], "mqttsn.dtls.psk_file"),
            (["mqttsn.dtls.psk_file=/dev/null", "mqttsn.dtls.handshake_timeout=0s"], "mqttsn.dtls."),
            (["mqttsn.dtls.client_certificate=required"], "mqttsn.dtls."),
            (["mqttsn.version_2_strangers=true"], "mqttsn."),
        ])
    func failsClosed(settings: [String], key: String) async throws {
        let arguments = (["mqttsn.dtls.enabled=true"] + settings).flatMap { ["--set", $0] }
        let program = try RunningApus.start(["check"] + arguments)
        #expect(try await program.exitStatus() != 0)
        #expect(program.errorLines.contains { $0.contains(key) })
    }
}
