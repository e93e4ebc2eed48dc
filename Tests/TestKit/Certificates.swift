import Foundation

/// Certificates of a CA that exists for one test, in a folder that is gone with this value. Minted by openssl, as `make certs`
/// does.
package final class Certificates: Sendable {
    private let folder: String

    /// Mints a CA, `server` for localhost and the loopback addresses, and `client`, whose common name is `device-1`.
    package init() async throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)").path
        try await run([])
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Mints one more, or one anew.
    /// - Parameters:
    ///   - subject: as openssl takes it, `/CN=name`.
    ///   - days: how long it is valid; below 0 for one that has expired.
    ///   - names: subject alternative names as openssl takes them, `DNS:a,URI:urn:a`.
    package func mint(_ name: String, _ subject: String, days: Int = 30, names: String = "DNS:localhost") async throws {
        try await run([name, subject, "\(days)", names])
    }

    package var authority: String { certificate("ca") }
    package func certificate(_ name: String) -> String { "\(folder)/\(name).pem" }
    package func key(_ name: String) -> String { "\(folder)/\(name).key" }

    /// The settings of the gateway that use the server's certificate.
    package var settings: [String] {
        [
            "tls.certificate_file=\(certificate("server"))", "tls.key_file=\(key("server"))",
            "tls.client_ca_file=\(authority)",
        ]
    }

    private func run(_ arguments: [String]) async throws {
        let script = BuiltProducts.repository + "/Tests/TestKit/certificates.sh"
        let program = try Program(script, [folder] + arguments)
        guard try await program.exitStatus() == 0 else {
            throw Program.Missing(description: "no certificates: \(program.errorLines)")
        }
    }
}
