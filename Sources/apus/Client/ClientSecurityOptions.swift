import ArgumentParser
import Transport

/// TLS for `apus pub` and `apus sub`. Names are those of mosquitto_pub, except `--tls`, which it has not.
struct ClientSecurityOptions: ParsableArguments {
    @Flag(help: "Use TLS, trusting the CAs this machine trusts.")
    var tls = false

    @Option(help: "Use TLS, trusting the CAs in this PEM file.")
    var cafile: String?

    @Option(help: "Client certificate to show, a PEM file; needs --key.")
    var cert: String?

    @Option(help: "Private key of the client certificate, a PEM file.")
    var key: String?

    @Flag(help: "Accept a certificate that is for another name.")
    var insecure = false

    var isSecure: Bool { tls || cafile != nil || cert != nil }

    func validate() throws {
        guard (cert == nil) == (key == nil) else { throw ValidationError("--cert and --key go together.") }
    }

    /// Nil without TLS.
    func connector() throws(ClientError) -> TLSConnector? {
        guard isSecure else { return nil }
        var settings = TLSConnector.Settings()
        settings.authoritiesFile = cafile
        settings.certificateFile = cert
        settings.keyFile = key
        settings.acceptsAnyName = insecure
        do throws(TLSFileError) {
            return try TLSConnector(settings)
        } catch {
            throw .file(error)
        }
    }
}
