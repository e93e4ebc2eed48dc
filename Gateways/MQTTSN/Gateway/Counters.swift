import Messaging
import Transport

/// What the gateway counts, in one place.
struct Counters: Sendable {
    /// Of the DTLS listener.
    let dtls = DTLSCounters()
    let datagramsReceived = Counter()
    let datagramsSent = Counter()
    /// Not MQTT-SN 1.2, dropped.
    let datagramsMalformed = Counter()
    /// The system refused to send it.
    let datagramsUnsendable = Counter()
    /// Well-formed, but nothing the sender may send in its state; dropped.
    let packetsUnexpected = Counter()
    /// From a peer without connection.
    let packetsFromUnknown = Counter()
    /// Answers to strangers left out because they asked too often.
    let repliesThrottled = Counter()
    /// Answers to strangers left out because they would have been larger than the question.
    let answersWithheld = Counter()
    let connectionlessPublished = Counter()
    let connectionlessRefused = Counter()
    /// CONNECTs whose will handshake was not completed.
    let handshakesAbandoned = Counter()
    let clientsLost = Counter()
    /// Sleeping clients that asked for their messages.
    let wakes = Counter()
    /// Clients that slept when the process before ended, and sleep on.
    let sleepersResumed = Counter()
    /// Sleeping clients that woke on another address.
    let roams = Counter()

    /// Sleeping clients that did not wake when they had said they would.
    let wakesMissed = Counter()
    /// Requests to clients sent again.
    let retransmissions = Counter()
    /// Names given up because their REGISTER was never answered.
    let namesParked = Counter()
    /// Times a client needed a topic id and none was left.
    let topicIDsExhausted = Counter()
    /// Datagrams of strangers dropped because their host sent too many.
    let datagramsThrottled = Counter()
    /// CONNECTs of a client id that their DTLS session does not prove, or that another's proves.
    let identitiesRefused = Counter()
    /// Datagrams of forwarders that are not among those allowed.
    let forwardersRefused = Counter()

    var readings: [CounterReading] {
        [
            CounterReading(name: "datagrams_received", value: datagramsReceived.current),
            CounterReading(name: "datagrams_sent", value: datagramsSent.current),
            CounterReading(name: "datagrams_malformed", value: datagramsMalformed.current),
            CounterReading(name: "datagrams_unsendable", value: datagramsUnsendable.current),
            CounterReading(name: "packets_unexpected", value: packetsUnexpected.current),
            CounterReading(name: "packets_from_unknown", value: packetsFromUnknown.current),
            CounterReading(name: "replies_throttled", value: repliesThrottled.current),
            CounterReading(name: "answers_withheld", value: answersWithheld.current),
            CounterReading(name: "connectionless_published", value: connectionlessPublished.current),
            CounterReading(name: "connectionless_refused", value: connectionlessRefused.current),
            CounterReading(name: "handshakes_abandoned", value: handshakesAbandoned.current),
            CounterReading(name: "clients_lost", value: clientsLost.current),
            CounterReading(name: "wakes", value: wakes.current),
            CounterReading(name: "sleepers_resumed", value: sleepersResumed.current),
            CounterReading(name: "roams", value: roams.current),
            CounterReading(name: "wakes_missed", value: wakesMissed.current),
            CounterReading(name: "retransmissions", value: retransmissions.current),
            CounterReading(name: "names_parked", value: namesParked.current),
            CounterReading(name: "topic_ids_exhausted", value: topicIDsExhausted.current),
            CounterReading(name: "datagrams_throttled", value: datagramsThrottled.current),
            CounterReading(name: "forwarders_refused", value: forwardersRefused.current),
            CounterReading(name: "identities_refused", value: identitiesRefused.current),
        ] + dtlsReadings
    }

    private var dtlsReadings: [CounterReading] {
        [
            CounterReading(name: "dtls_handshakes", value: dtls.handshakes.current),
            CounterReading(name: "dtls_cookies_asked", value: dtls.cookiesAsked.current),
            CounterReading(name: "dtls_handshakes_failed", value: dtls.handshakesFailed.current),
            CounterReading(name: "dtls_handshakes_abandoned", value: dtls.handshakesAbandoned.current),
            CounterReading(name: "dtls_handshakes_refused", value: dtls.handshakesRefused.current),
            CounterReading(name: "dtls_retransmissions", value: dtls.retransmissions.current),
            CounterReading(name: "dtls_datagrams_unknown", value: dtls.datagramsUnknown.current),
            CounterReading(name: "dtls_sessions_closed", value: dtls.sessionsClosed.current),
            CounterReading(name: "dtls_sessions_idle", value: dtls.sessionsIdle.current),
            CounterReading(name: "dtls_sessions_failed", value: dtls.sessionsFailed.current),
        ]
    }
}
