import CSSL
import NIOCore

/// The server's side of a DTLS 1.2 session (RFC 6347) on libssl with memory BIOs: datagrams in, datagrams out, no socket and
/// no clock. Not thread-safe: it belongs to one event loop.
///
/// ```
///             ClientHello with valid cookie         Finished                   close_notify
///  listening ──────────────────────────────▶ handshaking ──────▶ established ──────────────▶ closed
///   └ answers without: HelloVerifyRequest         └─────────── alert ──┴─────▶ failed
/// ```
final class DTLSConnection {
    enum State: Equatable {
        /// No valid cookie has been seen: nothing is remembered.
        case listening
        case handshaking
        case established
        /// The other side has said goodbye.
        case closed
        /// The handshake or the session cannot go on; the alert is among what is to be sent.
        case failed
    }

    private(set) var state = State.listening
    /// Datagrams to be sent, oldest first.
    private(set) var outgoing: [ByteBuffer] = []
    /// What was sent last in the handshake, for when it is lost.
    private(set) var flight: [ByteBuffer] = []

    /// Whose datagrams come in. While listening it may be another for each.
    var peer: SocketAddress

    private let context: DTLSContext
    private let cookies: DTLSCookie
    private let session: OpaquePointer
    private let input: OpaquePointer
    private let output: OpaquePointer
    private let maximumDatagram: Int
    private var identity: String?

    /// Octets of one record's header: type 1, version 2, epoch and sequence number 8, length 2 (RFC 6347, 4.1).
    static let recordHeader = 13
    /// What a record adds to its contents at most, with the cipher suites of `DTLSContext`: header, nonce or IV, padding, MAC.
    static let overhead = 80
    private static let largestRecord = 16_384

    /// - Parameter maximumDatagram: octets of a datagram of the handshake; longer messages are fragmented (RFC 6347, 4.2.3).
    init(_ context: DTLSContext, _ cookies: DTLSCookie, peer: SocketAddress, maximumDatagram: Int) {
        guard let session = SSL_new(context.pointer), let input = BIO_new(BIO_s_mem()), let output = BIO_new(BIO_s_mem())
        else { preconditionFailure("libssl is out of memory") }
        self.context = context
        self.cookies = cookies
        self.peer = peer
        self.session = session
        self.input = input
        self.output = output
        self.maximumDatagram = maximumDatagram
        // Empty means "try again later", not the end.
        BIO_ctrl(input, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nil)
        BIO_ctrl(output, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nil)
        SSL_set_bio(session, input, output)
        SSL_ctrl(session, SSL_CTRL_SET_MTU, maximumDatagram, nil)
        SSL_set_accept_state(session)
        // Nothing is sent again by the machine's clock: see `resendFlight`.
        DTLS_set_timer_cb(session, DTLSCallbacks.never)
        SSL_set_ex_data(session, 0, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit { SSL_free(session) }

    // MARK: Datagrams

    /// Takes one datagram.
    /// - Parameter deliver: gets each message of the other side, decrypted and verified.
    func receive(_ datagram: ByteBuffer, deliver: (ByteBuffer) -> Void) {
        guard !datagram.hasProtectedRecord(shorterThan: shortestRecord) else { return }
        BIO_ctrl(input, BIO_CTRL_RESET, 0, nil)
        datagram.withUnsafeReadableBytes { _ = BIO_write(input, $0.baseAddress, Int32($0.count)) }
        if state == .listening { listen() }
        if state == .handshaking { shakeHands() }
        if state == .established { read(deliver) }
        collectOutput()
    }

    /// Encrypts one message. Nothing happens unless the session is established.
    func send(_ message: ByteBuffer) {
        guard state == .established else { return }
        ERR_clear_error()
        message.withUnsafeReadableBytes { _ = SSL_write(session, $0.baseAddress, Int32($0.count)) }
        collectOutput()
    }

    /// Says goodbye (close_notify), if there is somebody to say it to.
    func close() {
        guard state == .established || state == .closed else { return }
        ERR_clear_error()
        SSL_shutdown(session)
        state = .closed
        collectOutput()
    }

    func takeOutgoing() -> [ByteBuffer] {
        defer { outgoing = [] }
        return outgoing
    }

    /// The last flight once more. The records are the same: who has them already takes them for a network's duplicates, and
    /// whoever waits for them gets them. The end of a server's handshake is sent anew by libssl itself, when the client repeats its own.
    func resendFlight() { outgoing += flight }

    /// Octets of the shortest record that the cipher suite can have protected: explicit nonce and tag, or IV, block and MAC. libssl
    /// ends the session over a shorter one, which anybody can send who knows the addresses; the standard has it dropped.
    private var shortestRecord: Int {
        // The first protected record of a handshake is Finished, with 16 octets of its own.
        guard state == .established, let name = SSL_CIPHER_get_name(SSL_get_current_cipher(session)) else { return 32 }
        let suite = String(cString: name)
        if suite.contains("CCM8") || suite.contains("CHACHA20") { return 16 }
        return suite.contains("GCM") || suite.contains("CCM") ? 24 : 64
    }

    // MARK: Steps

    /// The exchange of cookies, without memory of the client (RFC 6347, 4.2.1).
    private func listen() {
        ERR_clear_error()
        guard let address = BIO_ADDR_new() else { return }
        defer { BIO_ADDR_free(address) }
        if DTLSv1_listen(session, address) == 1 { state = .handshaking }
    }

    private func shakeHands() {
        ERR_clear_error()
        let result = SSL_do_handshake(session)
        if result == 1 {
            state = .established
        } else if error(after: result) != SSL_ERROR_WANT_READ {
            state = .failed
        }
    }

    private func read(_ deliver: (ByteBuffer) -> Void) {
        while true {
            ERR_clear_error()
            var message = ByteBuffer()
            var result: Int32 = 0
            message.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.largestRecord) { octets in
                result = SSL_read(session, octets.baseAddress, Int32(octets.count))
                return Int(max(0, result))
            }
            guard result > 0 else { return noteEnd(error(after: result)) }
            deliver(message)
        }
    }

    /// A record that does not hold is dropped, and the session goes on (RFC 6347, 4.1.2.7); but it leaves an entry in the queue of
    /// errors that would be taken for the session's end.
    private func error(after result: Int32) -> Int32 {
        ERR_clear_error()
        return SSL_get_error(session, result)
    }

    private func noteEnd(_ error: Int32) {
        switch error {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: break
        case SSL_ERROR_ZERO_RETURN: close()
        default: state = .failed
        }
    }

    /// Cuts what libssl has written into datagrams: as many whole records as fit (RFC 6347, 4.1.1).
    private func collectOutput() {
        var written = ByteBuffer()
        let pending = Int(BIO_ctrl_pending(output))
        guard pending > 0 else { return }
        written.writeWithUnsafeMutableBytes(minimumWritableBytes: pending) { octets in
            Int(max(0, BIO_read(output, octets.baseAddress, Int32(pending))))
        }
        var datagrams: [ByteBuffer] = []
        while let length = written.firstRecordLength, let record = written.readSlice(length: length) {
            if let last = datagrams.last, last.readableBytes + length <= maximumDatagram {
                datagrams[datagrams.count - 1].writeImmutableBuffer(record)
            } else {
                datagrams.append(record)
            }
        }
        outgoing += datagrams
        flight = state == .handshaking ? datagrams : []
    }

    // MARK: What libssl asks

    func isOf(_ context: DTLSContext) -> Bool { self.context === context }

    var cookie: [UInt8] { cookies.octets(for: peer) }

    func isValid(cookie octets: UnsafeBufferPointer<UInt8>) -> Bool { cookies.isValid(octets, for: peer) }

    func key(of identity: String) -> [UInt8]? {
        self.identity = identity
        return context.preSharedKeys.map { Array($0.key(of: identity)) }
    }

    // MARK: Who the other side is

    /// Whom the handshake has proved the other side to be.
    var peerIdentity: TLSClientIdentity {
        guard state == .established else { return .unknown }
        if let certificate = SSL_get1_peer_certificate(session) {
            defer { X509_free(certificate) }
            return .certificate(CertificateNames(der: Self.encoded(certificate)))
        }
        return identity.map { .preSharedKey(identity: $0) } ?? .unknown
    }

    private static func encoded(_ certificate: OpaquePointer) -> [UInt8] {
        var octets: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509(certificate, &octets)
        guard count > 0, let octets else { return [] }
        defer { CRYPTO_free(octets, #file, #line) }
        return Array(UnsafeBufferPointer(start: octets, count: Int(count)))
    }
}

extension ByteBuffer {
    /// Looks at each record with an epoch above 0, which are the protected ones.
    fileprivate func hasProtectedRecord(shorterThan least: Int) -> Bool {
        var index = readerIndex
        while let epoch = getInteger(at: index + 3, as: UInt16.self),
            let length = getInteger(at: index + DTLSConnection.recordHeader - 2, as: UInt16.self)
        {
            if epoch > 0, Int(length) < least { return true }
            index += DTLSConnection.recordHeader + Int(length)
        }
        return false
    }

    /// Octets of the record at the reader index, header included; nil when there is no whole one.
    fileprivate var firstRecordLength: Int? {
        guard let length = getInteger(at: readerIndex + DTLSConnection.recordHeader - 2, as: UInt16.self) else { return nil }
        let whole = DTLSConnection.recordHeader + Int(length)
        return whole <= readableBytes ? whole : nil
    }
}
