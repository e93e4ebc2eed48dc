import NIOCore
import NIOSSL

/// Why a handshake failed.
package struct TLSHandshakeFailure: Sendable, Equatable {
    /// As far as it tells an operator what to look at.
    package enum Reason: String, Sendable, CaseIterable {
        /// The client speaks something else: plain MQTT, HTTP.
        case notTLS = "not_tls"
        /// No version or cipher that both sides speak.
        case nothingInCommon = "nothing_in_common"
        /// The client has no certificate where one is required, or one that is not valid here.
        case clientCertificate = "client_certificate"
        /// An identity nobody has, or a wrong key.
        case preSharedKey = "pre_shared_key"
        /// The client did not like the server: it does not know the CA, the name in the certificate is another, and the like.
        case refusedByClient = "refused_by_client"
        /// The client went away in the middle.
        case left
        case other
    }

    package let reason: Reason
    /// In the library's words.
    package let detail: String

    /// - Parameter usedKey: a pre-shared key was asked for.
    init(_ error: any Error, usedKey: Bool) {
        detail = "\(error)"
        reason =
            switch error {
            case NIOSSLError.handshakeFailed(.sslError(let errors)):
                errors.contains(.eofDuringHandshake) ? .left : Self.reason(in: detail, usedKey: usedKey)
            case is IOError, is ChannelError, NIOSSLError.uncleanShutdown: .left
            default: .other
            }
    }

    /// The library tells the reason only as text: `… SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER …`.
    private static func reason(in text: String, usedKey: Bool) -> Reason {
        for (word, reason) in words where text.contains(word) { return reason }
        return usedKey ? .preSharedKey : .other
    }

    private static let words: [(String, Reason)] = [
        ("WRONG_VERSION_NUMBER", .notTLS), ("HTTP_REQUEST", .notTLS), ("HTTPS_PROXY_REQUEST", .notTLS),
        ("UNEXPECTED_RECORD", .notTLS), ("UNEXPECTED_MESSAGE", .notTLS),
        ("CERTIFICATE_VERIFY_FAILED", .clientCertificate), ("PEER_DID_NOT_RETURN_A_CERTIFICATE", .clientCertificate),
        ("UNSUPPORTED_PROTOCOL", .nothingInCommon), ("NO_SHARED_CIPHER", .nothingInCommon),
        ("NO_COMMON_SIGNATURE_ALGORITHMS", .nothingInCommon), ("NO_SHARED_GROUP", .nothingInCommon),
        ("_ALERT_", .refusedByClient),
        // In 1.3 some clients send their alert in the clear, where encryption is due already.
        ("BAD_PACKET_LENGTH", .refusedByClient),
    ]
}
