import Foundation
package import NIOCore
import NIOSSL

/// The client's side of TLS.
package struct TLSConnector: Sendable {
    package struct Settings: Sendable, Equatable {
        /// CAs to trust; nil for those this machine trusts.
        package var authoritiesFile: String?
        /// What the client shows, and its private key; both or none.
        package var certificateFile: String?
        package var keyFile: String?
        /// The name in the server's certificate need not be the host's.
        package var acceptsAnyName = false

        package init() {}
    }

    private let context: NIOSSLContext

    /// Reads the files.
    /// - Throws: the first that is not right.
    package init(_ settings: Settings) throws(TLSFileError) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = TLSMaterial.closeTimeout
        if settings.acceptsAnyName { configuration.certificateVerification = .noHostnameVerification }
        if let path = settings.authoritiesFile {
            configuration.trustRoots = .certificates(try PEMFile.certificates(path, .authorities))
        }
        if let certificateFile = settings.certificateFile, let keyFile = settings.keyFile {
            let chain = try PEMFile.certificates(certificateFile, .certificate)
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(try PEMFile.privateKey(keyFile))
        }
        context = try TLSMaterial.context(configuration, certificate: settings.certificateFile, key: settings.keyFile)
    }

    /// Puts TLS around a connection that is about to be made to `host`, on its event loop.
    package func secure(_ channel: any Channel, host: String) throws {
        // A number cannot be asked for by name (RFC 6066, 3); the certificate has to hold it all the same.
        let isNumeric = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        try channel.pipeline.syncOperations.addHandler(
            NIOSSLClientHandler(context: context, serverHostname: isNumeric ? nil : host))
    }

    /// What an error of a secured connection means to a person; nil for one that is not of TLS.
    package static func sentence(for error: any Error) -> String? {
        switch error {
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            "the certificate there is for another name"
        case NIOSSLError.handshakeFailed(let reason): sentence(in: "\(reason)")
        case is NIOSSLError, is NIOSSLExtraError: "TLS failed"
        case let error as BoringSSLError: sentence(in: "\(error)")
        default: nil
        }
    }

    /// The library tells the reason only as text.
    private static func sentence(in text: String) -> String {
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return "the certificate there is not signed by a CA that is trusted here"
        }
        if text.contains("WRONG_VERSION_NUMBER") { return "what answers there does not speak TLS" }
        if text.contains("CERTIFICATE_REQUIRED") || text.contains("HANDSHAKE_FAILURE") {
            return "the other side asks for a client certificate, or has no version and cipher in common"
        }
        if text.contains("EOF") { return "the other side closed the connection in the middle of the TLS handshake" }
        if text.contains("_ALERT_") { return "the other side does not accept the certificate" }
        return "TLS failed"
    }
}
