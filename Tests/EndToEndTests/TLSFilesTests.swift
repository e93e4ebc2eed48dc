import Foundation
import TestKit
import Testing

/// The files TLS needs: refused with a sentence at the start, read again on SIGHUP.
@Suite struct TLSFilesTests {
    private let certificates: Certificates

    init() async throws {
        certificates = try await Certificates()
    }

    /// The one line `apus check` complains with.
    private func complaint(_ settings: [String]) async throws -> String? {
        let program = try RunningApus.start(
            ["check"] + (["mqtt.tls.enabled=true"] + settings).flatMap { ["--set", $0] })
        #expect(try await program.exitStatus() == 78)
        #expect(program.lines.isEmpty)
        #expect(program.errorLines.count == 1)
        return program.errorLines.first
    }

    // MARK: The start

    @Test func withoutCertificateItDoesNotStart() async throws {
        let sentence =
            "apus: mqtt.tls.enabled is true, but there is no certificate (--set mqtt.tls.enabled): set tls.certificate_file "
            + "and tls.key_file (make certs mints a pair to try), or mqtt.tls.psk_file"
        #expect(try await complaint([]) == sentence)
        let program = try RunningApus.start(["serve", "--set", "mqtt.tls.enabled=true"])
        #expect(try await program.exitStatus() == 78)
        #expect(program.errorLines == [sentence])
    }

    @Test func settingsThatContradictEachOtherAreNamed() async throws {
        let (certificate, key) = (certificates.certificate("server"), certificates.key("server"))
        #expect(
            try await complaint(["tls.certificate_file=\(certificate)"])
                == "apus: tls.certificate_file is set, but tls.key_file is not (--set tls.certificate_file): set both")
        #expect(
            try await complaint(["mqtt.tls.key_file=\(key)", "tls.certificate_file=\(certificate)"])
                == "apus: mqtt.tls.key_file is set, but mqtt.tls.certificate_file is not (--set mqtt.tls.key_file): set both"
        )
        let pair = ["tls.certificate_file=\(certificate)", "tls.key_file=\(key)"]
        #expect(
            try await complaint(pair + ["mqtt.tls.client_certificate=required"])
                == "apus: mqtt.tls.client_certificate is required, but no CA is named for them "
                + "(--set mqtt.tls.client_certificate): set tls.client_ca_file")
        #expect(
            try await complaint(pair + ["mqtt.tls.certificate_username=cn"])
                == "apus: mqtt.tls.certificate_username is cn, but clients are not asked for a certificate "
                + "(--set mqtt.tls.certificate_username): set mqtt.tls.client_certificate to optional or required")
        #expect(
            try await complaint(pair + ["mqtt.tls.psk_file=x", "tls.min_version=1.3"])?.contains("min_version") == true)
        #expect(
            try await complaint(pair + ["mqtt.tls.psk_username=true"])
                == "apus: mqtt.tls.psk_username is true, but there is no psk_file (--set mqtt.tls.psk_username): set mqtt.tls.psk_file"
        )
        #expect(
            try await complaint(pair + ["mqtt.tls.address=0.0.0.0"])?.hasPrefix(
                "apus: mqtt.tls.address is 0.0.0.0, which") == true)
    }

    /// Others are refused there, so nobody comes in unproved.
    @Test func anAddressOthersReachMayBeOpenedToClientsThatProveThemselves() async throws {
        let keys = try TemporaryFile("sensor:00ff\n")
        let certificate =
            ["mqtt.tls.client_certificate=required", "mqtt.tls.certificate_username=cn"] + certificates.settings
        for settings in [certificate, ["mqtt.tls.psk_file=\(keys.path)", "mqtt.tls.psk_username=true"]] {
            let all = ["mqtt.tls.enabled=true", "mqtt.tls.address=0.0.0.0"] + settings
            #expect(try await RunningApus.start(["check"] + all.flatMap { ["--set", $0] }).exitStatus() == 0)
        }
    }

    @Test func aFileThatIsNotRightIsNamedWithTheRemedy() async throws {
        let (certificate, key) = (certificates.certificate("server"), certificates.key("server"))
        func expect(_ certificate: String, _ key: String, _ setting: String, _ problem: String) async throws {
            let line = try await complaint(["tls.certificate_file=\(certificate)", "tls.key_file=\(key)"])
            #expect(line?.hasPrefix("apus: tls.\(setting) names a file that is not right, ") == true)
            #expect(line?.contains(problem) == true, "\(line ?? "")")
        }
        try await expect("/nowhere.pem", key, "certificate_file", "/nowhere.pem: the file does not exist")
        try await expect(key, key, "certificate_file", "the file holds no certificate in PEM")
        try await expect(certificate, certificate, "key_file", "the file holds no private key in PEM")
        try await expect(
            certificate, certificates.key("client"), "key_file",
            "the key does not belong to the first certificate in \(certificate)")
        try await certificates.mint("old", "/CN=localhost", days: -1)
        try await expect(
            certificates.certificate("old"), certificates.key("old"), "certificate_file", "the certificate expired on 2"
        )
        let locked = certificates.key("locked")
        let openssl = try Program(
            "openssl", ["pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", locked])
        try #require(try await openssl.exitStatus() == 0)
        try await expect(certificate, locked, "key_file", "the key is protected by a passphrase")
    }

    @Test func aPreSharedKeyIsNeverQuoted() async throws {
        let keys = try TemporaryFile("good:00ff\nbad:0123456789abcdefg\n")
        #expect(
            try await complaint(["mqtt.tls.psk_file=\(keys.path)"])
                == "apus: mqtt.tls.psk_file names a file that is not right, \(keys.path):2: the key is not hex of 1 to 256 octets "
                + "(--set mqtt.tls.psk_file): make one with openssl rand -hex 32")
    }

    @Test func aKeyOthersMayReadIsAWarning() async throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: certificates.key("server"))
        let apus = try await RunningApus(["mqtt.tls.enabled=true"] + certificates.settings)
        let key = certificates.key("server")
        try await apus.program.errorLine {
            $0.contains("warning") && $0.contains("others may read a secret file") && $0.contains(key)
        }
        #expect(try await apus.stop() == 0)
    }

    // MARK: SIGHUP

    private func reload(_ apus: RunningApus, expecting log: String) async throws {
        apus.program.signal(SIGHUP)
        try await apus.program.errorLine { $0.contains(log) }
    }

    private func publish(_ apus: RunningApus, trusting authority: String) async throws -> Int32 {
        let port = "\(try apus.port("mqtt.tls"))"
        return try await Program(
            "mosquitto_pub", ["-h", "127.0.0.1", "-p", port, "--cafile", authority, "-q", "1", "-t", "x", "-m", "y"]
        ).exitStatus()
    }

    private func replace(_ file: String, by other: String) throws {
        try FileManager.default.removeItem(atPath: file)
        try FileManager.default.copyItem(atPath: other, toPath: file)
    }

    @Test func newHandshakesUseNewFilesAndOpenConnectionsGoOn() async throws {
        let apus = try await RunningApus(["mqtt.tls.enabled=true"] + certificates.settings)
        let port = ["-p", "\(try apus.port("mqtt.tls"))", "--cafile", certificates.authority]
        let subscriber = try await Mosquitto.subscribe(apus, "open", port)
        let others = try await Certificates()
        try replace(certificates.certificate("server"), by: others.certificate("server"))
        // A certificate without its key, as in the middle of a renewal: nothing changes.
        try await reload(apus, expecting: "certificates not reloaded, the old ones stay")
        #expect(try await publish(apus, trusting: certificates.authority) == 0)
        try replace(certificates.key("server"), by: others.key("server"))
        try await reload(apus, expecting: "info apus certificates reloaded")
        #expect(try await publish(apus, trusting: certificates.authority) != 0)
        #expect(try await publish(apus, trusting: others.authority) == 0)
        try await Mosquitto.publish(apus, "open", [1])
        #expect(try await subscriber.messages(1).first?.payload == [1])
        #expect(try await apus.stop() == 0)
    }

    /// Publishes at the TLS listener.
    private func publish(_ apus: RunningApus, _ more: [String]) async throws -> Int32 {
        let arguments =
            ["-h", "127.0.0.1", "-p", "\(try apus.port("mqtt.tls"))", "-q", "1", "-t", "x", "-m", "y"] + more
        return try await Program("mosquitto_pub", arguments).exitStatus()
    }

    @Test func newClientAuthoritiesAreReadToo() async throws {
        let apus = try await RunningApus(
            ["mqtt.tls.enabled=true", "mqtt.tls.client_certificate=required"] + certificates.settings)
        let others = try await Certificates()
        let trusted = try TemporaryFile(String(contentsOfFile: certificates.authority, encoding: .utf8))
        func publish(as client: Certificates) async throws -> Int32 {
            try await self.publish(
                apus, ["--cafile", trusted.path, "--cert", client.certificate("client"), "--key", client.key("client")])
        }
        #expect(try await publish(as: certificates) == 0)
        #expect(try await publish(as: others) != 0)
        try replace(certificates.authority, by: others.authority)
        try await reload(apus, expecting: "info apus certificates reloaded")
        #expect(try await publish(as: certificates) != 0)
        #expect(try await publish(as: others) == 0)
    }

    @Test func newKeysAreReadToo() async throws {
        let keys = try TemporaryFile("sensor:00ff\n")
        let apus = try await RunningApus(["mqtt.tls.enabled=true", "mqtt.tls.psk_file=\(keys.path)"])
        let secure = ["-p", "\(try apus.port("mqtt.tls"))", "--psk-identity", "sensor", "--psk", "00ff"]
        let subscriber = try await Mosquitto.subscribe(apus, "open", secure)
        try Data("sensor:abcd\n".utf8).write(to: URL(filePath: keys.path))
        try await reload(apus, expecting: "info apus certificates reloaded")
        #expect(try await publish(apus, ["--psk-identity", "sensor", "--psk", "abcd"]) == 0)
        #expect(try await publish(apus, ["--psk-identity", "sensor", "--psk", "00ff"]) != 0)
        try await Mosquitto.publish(apus, "open", [1])
        #expect(try await subscriber.messages(1).first?.payload == [1])
    }
}
