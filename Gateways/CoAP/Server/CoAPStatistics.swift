package import Messaging

/// What the server counted since its start.
package final class CoAPStatistics: Sendable {
    package let datagrams = Counter()
    /// Datagrams that are no CoAP message (RFC 7252, 3); dropped.
    package let malformed = Counter()
    package let requests = Counter()
    /// Repetitions of a request, answered again without being carried out again.
    package let duplicates = Counter()
    /// Requests answered with 4.xx or 5.xx before a handler saw them.
    package let rejected = Counter()
    package let notifications = Counter()
    /// Notifications answered with RST.
    package let notificationsReset = Counter()
    package let notificationsTimedOut = Counter()
    /// Confirmable answers and notifications from devices, repeated because our acknowledgement was lost.
    package let repeatedAcknowledgements = Counter()
    /// Answers kept for repetitions that had to be forgotten early.
    package let forgottenEarly = Counter()
    /// Unfinished payloads given up: too old, or in the way of newer ones.
    package let transfersAbandoned = Counter()
    package let peersOpened = Counter()
    package let peersClosed = Counter()

    package init() {}

    package func readings() -> [CounterReading] {
        [
            ("datagrams_received", datagrams), ("datagrams_malformed", malformed), ("requests", requests),
            ("requests_duplicate", duplicates), ("requests_rejected", rejected), ("notifications_sent", notifications),
            ("notifications_reset", notificationsReset), ("notifications_timed_out", notificationsTimedOut),
            ("acknowledgements_repeated", repeatedAcknowledgements), ("exchanges_forgotten_early", forgottenEarly),
            ("transfers_abandoned", transfersAbandoned), ("peers_opened", peersOpened), ("peers_closed", peersClosed),
        ].map { CounterReading(name: $0.0, value: $0.1.current) }
    }
}
