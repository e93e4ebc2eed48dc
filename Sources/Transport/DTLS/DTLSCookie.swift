import CSSL
import NIOCore

/// What a client has to send back before anything is remembered of it (RFC 6347, 4.2.1): a keyed digest of its address, so that
/// who cannot be reached there gets nothing done, and nobody a datagram larger than the one it sent.
struct DTLSCookie: Sendable {
    /// Octets of a cookie. HelloVerifyRequest has 60 with it, the shortest ClientHello 67.
    static let length = 32

    /// Of this process; a client that began with an earlier one is asked again.
    private let secret: [UInt8]

    init() {
        var secret = [UInt8](repeating: 0, count: 32)
        let isRandom = RAND_bytes(&secret, Int32(secret.count)) == 1
        precondition(isRandom, "without random numbers there is no security to offer")
        self.secret = secret
    }

    func octets(for peer: SocketAddress) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Self.length)
        var length = UInt32(digest.count)
        let address = peer.withSockAddr { address, size in
            Array(UnsafeRawBufferPointer(start: address, count: size))
        }
        _ = HMAC(EVP_sha256(), secret, Int32(secret.count), address, address.count, &digest, &length)
        return digest
    }

    func isValid(_ cookie: UnsafeBufferPointer<UInt8>, for peer: SocketAddress) -> Bool {
        let expected = octets(for: peer)
        return cookie.count == expected.count && CRYPTO_memcmp(cookie.baseAddress, expected, expected.count) == 0
    }
}
