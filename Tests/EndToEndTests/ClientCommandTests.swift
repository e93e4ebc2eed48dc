import TestKit
import Testing

/// `apus pub` and `apus sub` over every transport.
@Suite struct ClientCommandTests {
    private let certificates: Certificates

    init() async throws {
        certificates = try await Certificates()
    }

    private func start(_ settings: [String] = []) async throws -> RunningApus {
        try await RunningApus(["mqtt.tls.enabled=true", "mqtt.wss.enabled=true"] + certificates.settings + settings)
    }

    private func publish(_ apus: RunningApus, _ listener: String, _ more: [String]) async throws -> (
        status: Int32, errors: [String]
    ) {
        let arguments = ["pub", "-p", "\(try apus.port(listener))", "-q", "1", "-t", "x", "-m", "hello"]
        let program = try RunningApus.start(arguments + more)
        return (try await program.exitStatus(), program.errorLines)
    }

    @Test(arguments: [
        ("mqtt.tcp", false, false), ("mqtt.tls", true, false), ("mqtt.ws", false, true), ("mqtt.wss", true, true),
    ])
    func everyTransportCarriesAMessage(listener: String, isSecure: Bool, isWebSocket: Bool) async throws {
        let apus = try await start()
        let options = (isSecure ? ["--cafile", certificates.authority] : []) + (isWebSocket ? ["--ws"] : [])
        #expect(try await publish(apus, listener, ["-r"] + options) == (0, []))
        let port = ["-p", "\(try apus.port(listener))"]
        for host in isSecure ? ["127.0.0.1", "localhost"] : ["127.0.0.1"] {
            let subscriber = try RunningApus.start(["sub", "-t", "x", "-C", "1", "-v", "-h", host] + port + options)
            #expect(try await subscriber.exitStatus() == 0)
            #expect(subscriber.lines == ["x hello"])
        }
        #expect(try await apus.stop() == 0)
    }

    @Test func aClientCertificateIsShown() async throws {
        let apus = try await start(["mqtt.tls.client_certificate=required"])
        let secure = ["--cafile", certificates.authority]
        let certificate = ["--cert", certificates.certificate("client"), "--key", certificates.key("client")]
        #expect(try await publish(apus, "mqtt.tls", secure + certificate) == (0, []))
        let refused = try await publish(apus, "mqtt.tls", secure)
        #expect(refused.status == 69)
        #expect(
            refused.errors == [
                "apus: no secure connection: the other side asks for a client certificate, or has no version and cipher in common "
                    + "(--cafile, --cert, --key)"
            ])
    }

    @Test func whatKeepsItFromBeingSecureIsOneSentence() async throws {
        let apus = try await start()
        let other = try await Certificates()
        func complaint(_ listener: String, _ more: [String]) async throws -> String? {
            let result = try await publish(apus, listener, more)
            #expect(result.errors.count == 1)
            return result.errors.first
        }
        #expect(
            try await complaint("mqtt.tls", ["--cafile", other.authority])?.contains(
                "not signed by a CA that is trusted here") == true)
        #expect(try await complaint("mqtt.tls", ["--tls"])?.contains("not signed by a CA that is trusted here") == true)
        #expect(try await complaint("mqtt.tcp", ["--tls"]) != nil)
        #expect(
            try await complaint("mqtt.tls", ["--cafile", "/nowhere"])
                == "apus: /nowhere: the file does not exist: check the path and who may read it")
        #expect(
            try await complaint("mqtt.ws", ["--ws", "--path", "/other"])?.contains("no WebSocket for MQTT at this path")
                == true)
    }

    @Test func aCertificateForAnotherNameIsRefusedUnlessToldOtherwise() async throws {
        try await certificates.mint("server", "/CN=elsewhere", names: "DNS:elsewhere.example")
        let apus = try await start()
        let secure = ["--cafile", certificates.authority]
        let refused = try await publish(apus, "mqtt.tls", secure)
        #expect(refused.status == 69)
        #expect(refused.errors.first?.contains("the certificate there is for another name") == true)
        #expect(try await publish(apus, "mqtt.tls", secure + ["--insecure"]) == (0, []))
    }
}
