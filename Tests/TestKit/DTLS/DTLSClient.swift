import CSSL
import Glibc

/// A DTLS 1.2 client on libssl, without socket: datagrams in, datagrams out.
package final class DTLSClient {
    package enum Credentials {
        case key(identity: String, [UInt8])
        /// Paths of PEM files; nil for a client without certificate.
        case certificate(String?, key: String?)
    }

    package private(set) var isEstablished = false
    /// The other side has said goodbye.
    package private(set) var isClosed = false
    package private(set) var hasFailed = false
    /// Messages of the other side, oldest first.
    package private(set) var received: [[UInt8]] = []

    private let context: OpaquePointer
    private let session: OpaquePointer
    private let input: OpaquePointer
    private let output: OpaquePointer
    private let credentials: Credentials

    /// Microseconds of the machine's clock after which libssl sends again what was lost.
    private static let patience: UInt32 = 20_000
    private static let recordHeader = 13
    private static let datagram = 1_232

    /// - Parameter ciphers: as OpenSSL names them.
    package init(_ credentials: Credentials, ciphers: String = "PSK-AES128-CCM8:ECDHE-ECDSA-AES128-GCM-SHA256") {
        guard let context = SSL_CTX_new(DTLS_client_method()), let session = Self.session(of: context, credentials, ciphers),
            let input = BIO_new(BIO_s_mem()), let output = BIO_new(BIO_s_mem())
        else { preconditionFailure("libssl takes what a test gives it") }
        self.context = context
        self.session = session
        self.input = input
        self.output = output
        self.credentials = credentials
        BIO_ctrl(input, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nil)
        BIO_ctrl(output, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nil)
        SSL_set_bio(session, input, output)
        SSL_ctrl(session, SSL_CTRL_SET_MTU, Self.datagram, nil)
        SSL_set_connect_state(session)
        DTLS_set_timer_cb(session) { _, _ in DTLSClient.patience }
        SSL_set_ex_data(session, 0, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        SSL_free(session)
        SSL_CTX_free(context)
    }

    private static func session(
        of context: OpaquePointer, _ credentials: Credentials, _ ciphers: String
    ) -> OpaquePointer? {
        SSL_CTX_set_options(context, dtls_options)
        guard SSL_CTX_set_cipher_list(context, ciphers) == 1 else { return nil }
        switch credentials {
        case .key: SSL_CTX_set_psk_client_callback(context, answerWithKey)
        case .certificate(let certificate?, let key?):
            guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1,
                SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1
            else { return nil }
        case .certificate: break
        }
        return SSL_new(context)
    }

    private static let answerWithKey: SSL_psk_client_cb_func = { session, _, identity, identityCapacity, key, capacity in
        guard let pointer = SSL_get_ex_data(session, 0), let identity, let key,
            case .key(let name, let octets) = Unmanaged<DTLSClient>.fromOpaque(pointer).takeUnretainedValue().credentials,
            name.utf8.count < identityCapacity, octets.count <= capacity
        else { return 0 }
        for (index, character) in name.utf8CString.enumerated() { identity[index] = character }
        for (index, octet) in octets.enumerated() { key[index] = octet }
        return UInt32(octets.count)
    }

    /// Begins the handshake.
    package func start() { step() }

    package func receive(_ datagram: [UInt8]) {
        BIO_ctrl(input, BIO_CTRL_RESET, 0, nil)
        _ = BIO_write(input, datagram, Int32(datagram.count))
        step()
    }

    /// - Returns: whether it was encrypted.
    @discardableResult
    package func send(_ message: [UInt8]) -> Bool {
        isEstablished && SSL_write(session, message, Int32(message.count)) > 0
    }

    package func close() { SSL_shutdown(session) }

    /// Waits for libssl's timer, if one runs, and lets it send again what was not answered.
    package func repeatLost() {
        usleep(Self.patience)
        ERR_clear_error()
        SSL_ctrl(session, DTLS_CTRL_HANDLE_TIMEOUT, 0, nil)
    }

    /// What is to be sent, each a datagram of its own: libssl's flights, cut into records.
    package func takeOutgoing() -> [[UInt8]] {
        var written = [UInt8](repeating: 0, count: Int(BIO_ctrl_pending(output)))
        guard !written.isEmpty else { return [] }
        _ = BIO_read(output, &written, Int32(written.count))
        var datagrams: [[UInt8]] = []
        var rest = written[...]
        while rest.count >= Self.recordHeader {
            let lengthAt = rest.startIndex + Self.recordHeader - 2
            let length = Self.recordHeader + Int(rest[lengthAt]) << 8 + Int(rest[lengthAt + 1])
            datagrams.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return datagrams
    }

    private func step() {
        ERR_clear_error()
        if !isEstablished {
            let result = SSL_do_handshake(session)
            isEstablished = result == 1
            if result != 1, SSL_get_error(session, result) != SSL_ERROR_WANT_READ { hasFailed = true }
        }
        guard isEstablished else { return }
        while true {
            var octets = [UInt8](repeating: 0, count: 16_384)
            let result = SSL_read(session, &octets, Int32(octets.count))
            guard result > 0 else {
                if SSL_get_error(session, result) == SSL_ERROR_ZERO_RETURN { isClosed = true }
                return
            }
            received.append(Array(octets.prefix(Int(result))))
        }
    }
}
