package import NIOCore

/// Bounds of a `DTLSEndpoint`.
package struct DTLSLimits: Sendable {
    /// Handshakes that have shown a valid cookie and are not complete.
    package var handshakes = 1_000
    /// Sessions in all.
    package var sessions = 100_000
    /// How long a handshake may take.
    package var handshakeTimeout = TimeAmount.seconds(30)
    /// How long a session may be without a datagram of its client; nil for ever.
    package var idleTimeout: TimeAmount? = .hours(24)
    /// Octets of a datagram of a handshake: what IPv6 carries everywhere (RFC 8200, 5), less the headers of IP and UDP.
    package var handshakeDatagram = 1_232
    /// First wait before what is unanswered is sent again, doubled each time up to `longestRetry` (RFC 6347, 4.2.4.1).
    package var firstRetry = TimeAmount.seconds(1)
    package var longestRetry = TimeAmount.seconds(60)

    package init() {}

    /// What DTLS adds to a message at most, in octets.
    package static var overhead: Int { DTLSConnection.overhead }
}
