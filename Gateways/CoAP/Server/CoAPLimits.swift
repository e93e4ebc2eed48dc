/// What the server holds at most. Reaching a limit answers the peer with an error it can read and is counted.
package struct CoAPLimits: Sendable, Equatable {
    /// Octets of one payload, put together from blocks or cut into them. Beyond: 4.13 (RFC 7959, 2.9.3).
    package var bodyOctets = 1_048_576
    /// Largest block of ours: 16, 32, … 1024 octets (RFC 7959, 2.2). A client may ask for smaller ones.
    package var blockOctets = 1_024
    /// Octets of one datagram read from the network; libcoap's buffer ends at 1472.
    package var datagramOctets = 1_472
    /// Unfinished payloads of one address and port. Beyond: the oldest gives way.
    package var transfersPerPeer = 4
    /// Octets of all unfinished payloads, and separately of all bodies kept for their blocks to come.
    package var transferOctets = 64 * 1_048_576
    /// Requests of ours waiting for one device, the one on the way included. Beyond: `.busy`.
    package var requestsPerPeer = 64
    /// Observations of one peer with us. Beyond: answered without Observe (RFC 7641, 4.1).
    package var observersPerPeer = 256
    /// Sessions kept alive by observations, registrations and requests. Beyond: 5.03.
    package var pinnedPeers = 50_000
    /// Requests handed to a handler and not answered yet. Beyond: 5.03 with Max-Age.
    package var openRequests = 10_000
    /// Answers kept for repetitions, in number and octets. Beyond: the oldest is forgotten.
    package var rememberedRequests = 200_000
    package var rememberedOctets = 16 * 1_048_576
    /// A client that gets non-confirmable notifications is asked for an acknowledgement when the last is this long ago. The
    /// standard asks for one a day at least (RFC 7641, 4.5); sooner finds clients that vanished.
    package var observerCheck = Duration.seconds(300)
    /// How long to wait for the acknowledgement of a confirmable message before repeating it; up to 1.5 times as long by
    /// chance, doubled with each repetition (RFC 7252, 4.8: ACK_TIMEOUT), and how often (MAX_RETRANSMIT). At least 1 s and 1.
    package var acknowledgementTimeout = Duration.seconds(2)
    package var retransmissions = 4
    /// A session nobody needs ends after this silence. Short, because each new peer costs a walk over all sessions.
    package var idleSession = Duration.seconds(30)

    package init() {}
}
