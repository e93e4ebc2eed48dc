import Foundation
import TestKit
import Testing

/// Who a client is by its certificate or its pre-shared key.
@Suite struct TLSIdentityTests {
    private let certificates: Certificates
    /// Rights tell who somebody is: alice may write `a`, device-1 `d`, the URI's bearer `u`; clients may write below their ids.
    private static let rules = """
        user device-1
        topic d
        user urn:dev:1
        topic u
        user device-1.example
        topic n
        user device-1@example.org
        topic e
        user sensor
        topic s
        pattern readwrite own/%c
        """

    init() async throws {
        certificates = try await Certificates()
    }

    private func start(_ settings: [String], password: TemporaryFile? = nil) async throws -> RunningApus {
        try await RunningApus(["mqtt.tls.enabled=true"] + certificates.settings + settings)
    }

    private var mayPublish: [String] { ["--cafile", certificates.authority] }
    private var asClient: [String] {
        mayPublish + ["--cert", certificates.certificate("client"), "--key", certificates.key("client")]
    }

    /// 0 when the gateway took the message; when it refused the client or the message the reason code.
    private func publish(_ apus: RunningApus, _ topic: String, _ more: [String]) async throws -> Int32 {
        let program = try Program(
            "mosquitto_pub",
            ["-h", "127.0.0.1", "-p", "\(try apus.port("mqtt.tls"))", "-V", "5", "-q", "1", "-t", topic, "-m", "x"]
                + more)
        let status = try await program.exitStatus()
        // A refused message is only a warning to it.
        return program.errorLines.contains { $0.contains("failed: Not authorized") } ? 0x87 : status
    }

    @Test func aRequiredCertificateIsRequired() async throws {
        let apus = try await start(["mqtt.tls.client_certificate=required", "sys_interval=100ms"])
        let other = try await Certificates()
        try await certificates.mint("old", "/CN=old", days: -1)
        #expect(try await publish(apus, "x", asClient) == 0)
        #expect(try await publish(apus, "x", mayPublish) != 0)
        for (name, from) in [("client", other), ("old", certificates)] {
            #expect(
                try await publish(apus, "x", mayPublish + ["--cert", from.certificate(name), "--key", from.key(name)])
                    != 0)
        }
        let counter = try await Mosquitto.subscribe(
            apus, "$SYS/broker/gateways/mqtt/tls_handshakes_failed_client_certificate")
        try await counter.program.line { $0.hasPrefix("MESSAGE ") && $0.hasSuffix(" 33") }
        try await apus.expectServing()
    }

    @Test(arguments: [("cn", "d"), ("uri", "u"), ("dns", "n"), ("email", "e")])
    func aNameInTheCertificateIsTheUserName(name: String, topic: String) async throws {
        let rules = try TemporaryFile(Self.rules), users = try TemporaryFile("")
        let apus = try await start([
            "mqtt.tls.client_certificate=optional", "mqtt.tls.certificate_username=\(name)",
            "access.acl_file=\(rules.path)",
            "access.password_file=\(users.path)",
        ])
        #expect(try await publish(apus, topic, asClient) == 0)
        // Whatever it says about itself.
        #expect(try await publish(apus, topic, asClient + ["-u", "sensor", "-P", "x"]) == 0)
        #expect(try await publish(apus, "s", asClient + ["-u", "sensor", "-P", "x"]) == 0x87)
        // Who has none needs a password; and so does everybody at another listener.
        #expect(try await publish(apus, topic, mayPublish) == 0x87)
        #expect(try await publish(apus, topic, mayPublish + ["-u", "device-1", "-P", "x"]) == 0x86)
    }

    @Test func aCertificateWithoutTheNameIsNobody() async throws {
        let apus = try await start(["mqtt.tls.client_certificate=required", "mqtt.tls.certificate_username=uri"])
        try await certificates.mint("nameless", "/CN=nameless")
        let nameless = ["--cert", certificates.certificate("nameless"), "--key", certificates.key("nameless")]
        #expect(try await publish(apus, "x", mayPublish + nameless) == 0x87)
        #expect(try await publish(apus, "x", asClient) == 0)
    }

    @Test func aNameInTheCertificateIsTheClientIdentifier() async throws {
        let rules = try TemporaryFile(Self.rules), users = try TemporaryFile("")
        let apus = try await start([
            "mqtt.tls.client_certificate=required", "mqtt.tls.certificate_client_id=cn",
            "access.acl_file=\(rules.path)",
            "access.password_file=\(users.path)",
        ])
        #expect(try await publish(apus, "own/device-1", asClient) == 0)
        #expect(try await publish(apus, "own/device-1", asClient + ["-i", "device-1"]) == 0)
        #expect(try await publish(apus, "own/device-2", asClient + ["-i", "device-2"]) == 0x85)
        // A user name of its own has to be proved.
        #expect(try await publish(apus, "own/device-1", asClient + ["-u", "sensor", "-P", "x"]) == 0x86)
    }

    @Test func aRuleThatChangesHoldsForCertificatesToo() async throws {
        let rules = try TemporaryFile(Self.rules)
        let apus = try await start([
            "mqtt.tls.client_certificate=required", "mqtt.tls.certificate_username=cn", "access.acl_file=\(rules.path)",
        ])
        let secure = ["-p", "\(try apus.port("mqtt.tls"))"] + asClient
        let subscriber = try await Mosquitto.subscribe(apus, "d", secure)
        #expect(try await publish(apus, "d", asClient) == 0)
        _ = try await subscriber.messages(1)
        try Data("user device-1\ntopic other\n".utf8).write(to: URL(filePath: rules.path))
        apus.program.signal(SIGHUP)
        try await apus.program.errorLine { $0.contains("access rules reloaded") }
        #expect(try await publish(apus, "d", asClient) == 0x87)
        #expect(try await publish(apus, "other", asClient) == 0)
    }

    // MARK: Pre-shared keys

    @Test(arguments: ["31", "311", "5"])
    func aPreSharedKeyLetsMosquittoIn(version: String) async throws {
        let keys = try TemporaryFile("# two\nsensor:0123456789abcdef\n\nother:00ff\n")
        let apus = try await RunningApus(["mqtt.tls.enabled=true", "mqtt.tls.psk_file=\(keys.path)"])
        let secure = ["-p", "\(try apus.port("mqtt.tls"))", "--psk-identity", "sensor", "--psk", "0123456789abcdef"]
        let subscriber = try await Mosquitto.subscribe(apus, "psk/#", version: version, secure)
        try await Mosquitto.publish(apus, "psk/x", [9], version: version, secure)
        #expect(try await subscriber.messages(1).first?.payload == [9])
        #expect(try await apus.stop() == 0)
    }

    @Test func theIdentityIsTheUserName() async throws {
        let keys = try TemporaryFile("sensor:0123456789abcdef\n")
        let rules = try TemporaryFile(Self.rules), users = try TemporaryFile("")
        let apus = try await RunningApus([
            "mqtt.tls.enabled=true", "mqtt.tls.psk_file=\(keys.path)", "mqtt.tls.psk_username=true",
            "access.acl_file=\(rules.path)",
            "access.password_file=\(users.path)",
        ])
        let key = ["--psk-identity", "sensor", "--psk", "0123456789abcdef"]
        #expect(try await publish(apus, "s", key) == 0)
        #expect(try await publish(apus, "d", key) == 0x87)
        #expect(try await publish(apus, "d", key + ["-u", "device-1", "-P", "x"]) == 0x87)
    }

    /// The octets of the gateway's answer to the last flight of a client's handshake, as openssl shows them.
    private func answer(_ apus: RunningApus, identity: String, key: String) async throws -> [String] {
        let client = try Program(
            "openssl",
            ["s_client", "-connect", "127.0.0.1:\(try apus.port("mqtt.tls"))", "-tls1_2", "-msg"]
                + ["-psk_identity", identity, "-psk", key])
        #expect(try await client.exitStatus() != 0)
        let lines = client.lines
        let flight = try #require(lines.lastIndex { $0.hasPrefix(">>> ") })
        return lines[flight...].drop { !$0.hasPrefix("<<< ") }.prefix { $0.hasPrefix("<<< ") || $0.hasPrefix("    ") }
            .map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// RFC 4279, 2: so that nobody learns which identities there are.
    @Test func aWrongKeyAndAnUnknownIdentityAreRefusedAlike() async throws {
        let keys = try TemporaryFile("sensor:0123456789abcdef\n")
        let apus = try await RunningApus([
            "mqtt.tls.enabled=true", "mqtt.tls.psk_file=\(keys.path)", "sys_interval=100ms",
        ])
        let wrongKey = try await answer(apus, identity: "sensor", key: "00")
        let unknown = try await answer(apus, identity: "nobody", key: "0123456789abcdef")
        #expect(wrongKey == unknown)
        // An alert, fatal, bad_record_mac (RFC 5246, 7.2.2).
        #expect(wrongKey.filter { !$0.hasPrefix("<<< ") } == ["15 03 03 00 02", "02 14"])
        let counter = try await Mosquitto.subscribe(
            apus, "$SYS/broker/gateways/mqtt/tls_handshakes_failed_pre_shared_key")
        try await counter.program.line { $0.hasPrefix("MESSAGE ") && $0.hasSuffix(" 32") }
        try await apus.expectServing()
    }

    @Test func whoHasNoKeyDoesNotComeInWithACertificate() async throws {
        let keys = try TemporaryFile("sensor:0123456789abcdef\n")
        let apus = try await start(["mqtt.tls.psk_file=\(keys.path)"])
        #expect(try await publish(apus, "x", asClient) != 0)
        #expect(try await publish(apus, "x", ["--psk-identity", "sensor", "--psk", "0123456789abcdef"]) == 0)
    }
}
