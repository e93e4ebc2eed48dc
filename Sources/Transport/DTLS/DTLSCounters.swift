import Synchronization

/// What a `DTLSEndpoint` counts. Read from any thread.
package final class DTLSCounters: Sendable {
    package final class Count: Sendable {
        private let value = Atomic<UInt64>(0)
        package var current: UInt64 { value.load(ordering: .relaxed) }
        func add() { value.wrappingAdd(1, ordering: .relaxed) }
    }

    /// Handshakes completed.
    package let handshakes = Count()
    /// ClientHellos without a valid cookie, answered with HelloVerifyRequest or not at all.
    package let cookiesAsked = Count()
    /// Handshakes that ended with an alert: no common cipher suite, a wrong key, a certificate that does not hold.
    package let handshakesFailed = Count()
    /// Handshakes that were not complete in time.
    package let handshakesAbandoned = Count()
    /// ClientHellos that found no room.
    package let handshakesRefused = Count()
    /// Flights sent again.
    package let retransmissions = Count()
    /// Datagrams of nobody's session, dropped.
    package let datagramsUnknown = Count()
    /// Sessions ended by their clients.
    package let sessionsClosed = Count()
    /// Sessions ended because their clients were silent.
    package let sessionsIdle = Count()
    /// Sessions ended by an alert.
    package let sessionsFailed = Count()

    package init() {}
}
