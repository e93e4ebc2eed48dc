import CSSL
import Glibc

/// The files of a listener, read and checked as a whole, in the form in which libssl takes them: what new sessions use.
final class DTLSContext: Sendable {
    /// Proof of `nonisolated(unsafe)`: set once in `init`, before anybody else has it; nothing changes the context afterwards, and libssl counts
    /// references and locks what sessions of several threads share (SSL_CTX_new(3), openssl-threads(7)).
    nonisolated(unsafe) let pointer: OpaquePointer
    let preSharedKeys: PreSharedKeys?
    /// Secret files that others than their owner may read.
    let exposedFiles: [String]

    /// Ephemeral keys first; CCM_8 last, which is what constrained devices have (RFC 7925, 4.2, 4.4).
    private static let preSharedKeyCiphers = [
        "ECDHE-PSK-CHACHA20-POLY1305", "ECDHE-PSK-AES128-CBC-SHA256", "PSK-AES128-GCM-SHA256", "PSK-AES256-GCM-SHA384",
        "PSK-AES128-CCM", "PSK-AES128-CBC-SHA256", "PSK-AES128-CCM8",
    ]
    private static let certificateCiphers = [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-AES128-CCM", "ECDHE-ECDSA-AES128-CCM8",
    ]

    /// - Throws: the first file that is not right.
    init(_ settings: TLSSettings) throws(TLSFileError) {
        preSharedKeys = try settings.preSharedKeyFile.map { path throws(TLSFileError) in try PreSharedKeys(path: path) }
        exposedFiles = [settings.keyFile, settings.preSharedKeyFile].compactMap { $0 }.filter(PEMFile.isExposed)
        pointer = Self.make(withKeys: preSharedKeys != nil)
        // What a session looks up in its own object: see `DTLSConnection`.
        SSL_CTX_set_cookie_generate_cb(pointer, DTLSCallbacks.makeCookie)
        SSL_CTX_set_cookie_verify_cb(pointer, DTLSCallbacks.isCookieValid)
        if preSharedKeys != nil { SSL_CTX_set_psk_server_callback(pointer, DTLSCallbacks.serverKey) }
        if let certificate = settings.certificateFile, let key = settings.keyFile {
            try useCertificate(certificate, key)
        }
        if settings.clientCertificate != .none, let path = settings.authoritiesFile {
            try askForCertificates(of: path, isRequired: settings.clientCertificate == .required)
        }
    }

    deinit { SSL_CTX_free(pointer) }

    private static func make(withKeys: Bool) -> OpaquePointer {
        guard let context = SSL_CTX_new(DTLS_server_method()) else { preconditionFailure("libssl is out of memory") }
        SSL_CTX_set_options(context, dtls_options)
        // DTLS 1.0 is MD5 and SHA-1 (RFC 8996).
        SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(DTLS1_2_VERSION), nil)
        SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        let ciphers = (withKeys ? preSharedKeyCiphers : []) + certificateCiphers
        let isUsable = SSL_CTX_set_cipher_list(context, ciphers.joined(separator: ":")) == 1
        precondition(isUsable, "libssl has at least one of these cipher suites")
        return context
    }

    private func useCertificate(_ certificate: String, _ key: String) throws(TLSFileError) {
        let chain = try PEMFile.certificates(certificate, .certificate)
        try TLSMaterial.checkTime(of: chain[0], certificate)
        _ = try PEMFile.privateKey(key)
        ERR_clear_error()
        guard SSL_CTX_use_certificate_chain_file(pointer, certificate) == 1 else {
            throw TLSFileError(
                kind: .certificate, place: certificate, problem: "libssl does not take the certificate",
                remedy: "use one with an ECDSA key, or with an RSA key of at least 2048 bits")
        }
        guard SSL_CTX_use_PrivateKey_file(pointer, key, SSL_FILETYPE_PEM) == 1, SSL_CTX_check_private_key(pointer) == 1
        else {
            throw TLSFileError(
                kind: .key, place: key, problem: "the key does not belong to the first certificate in \(certificate)",
                remedy: "name the key the certificate was made for, and put that certificate first")
        }
    }

    private func askForCertificates(of path: String, isRequired: Bool) throws(TLSFileError) {
        _ = try PEMFile.certificates(path, .authorities)
        guard SSL_CTX_load_verify_locations(pointer, path, nil) == 1, let names = SSL_load_client_CA_file(path) else {
            throw TLSFileError(
                kind: .authorities, place: path, problem: "libssl does not take the certificates",
                remedy: "check that it is the right file")
        }
        SSL_CTX_set_client_CA_list(pointer, names)
        let mode = SSL_VERIFY_PEER | (isRequired ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
        SSL_CTX_set_verify(pointer, mode, nil)
    }
}
