import Messaging
import Transport

/// What the gateway counts since its start.
final class ServerCounters: Sendable {
    let connectionsAccepted = Counter()
    /// Closed at once because as many were open as the gateway or the listener takes.
    let connectionsOverLimit = Counter()
    /// No CONNECT in time.
    let connectTimeouts = Counter()
    let connectionsClosed = Counter()
    /// Connections that did not begin with the PROXY header their listener expects.
    let proxyHeadersMalformed = Counter()
    /// Requests that did not become a WebSocket, but those that came late, which count among `connectTimeouts`.
    let webSocketsRefused = Counter()
    /// TLS handshakes that were completed, and those that failed, by reason; late ones count among `connectTimeouts`.
    let handshakes = Counter()
    let handshakesFailed = TLSHandshakeFailure.Reason.allCases.map { ($0, Counter()) }
    /// Bytes that were no packet, or a packet out of place; each closed its connection.
    let protocolErrors = Counter()
    let bytesReceived = Counter()
    let bytesSent = Counter()
    let publishesReceived = Counter()
    let publishesSent = Counter()
    /// Subscriptions not granted. A 3.1 client is not told so.
    let subscriptionsRefused = Counter()
    /// Clients disconnected because all connections together held too much that was not complete: packets, frames, openings.
    let unfinishedOverLimit = Counter()
    /// Deliveries not sent because they exceed the client's maximum packet size.
    let deliveriesTooLarge = Counter()
    /// Publications of 5.0 clients beyond their receive maximum.
    let receiveMaximumExceeded = Counter()
    /// Clients told to go elsewhere.
    let redirections = Counter()

    func handshakeFailed(_ reason: TLSHandshakeFailure.Reason) {
        for (counted, counter) in handshakesFailed where counted == reason { counter.add() }
    }

    var readings: [CounterReading] {
        connectionReadings + tlsReadings
    }

    private var tlsReadings: [CounterReading] {
        [CounterReading(name: "tls_handshakes", value: handshakes.current)]
            + handshakesFailed.map { reason, counter in
                CounterReading(name: "tls_handshakes_failed_\(reason.rawValue)", value: counter.current)
            }
    }

    private var connectionReadings: [CounterReading] {
        [
            CounterReading(name: "connections_accepted", value: connectionsAccepted.current),
            CounterReading(name: "connections_over_limit", value: connectionsOverLimit.current),
            CounterReading(name: "connect_timeouts", value: connectTimeouts.current),
            CounterReading(name: "connections_closed", value: connectionsClosed.current),
            CounterReading(name: "proxy_headers_malformed", value: proxyHeadersMalformed.current),
            CounterReading(name: "websockets_refused", value: webSocketsRefused.current),
            CounterReading(name: "protocol_errors", value: protocolErrors.current),
            CounterReading(name: "unfinished_over_limit", value: unfinishedOverLimit.current),
            CounterReading(name: "subscriptions_refused", value: subscriptionsRefused.current),
            CounterReading(name: "bytes_received", value: bytesReceived.current),
            CounterReading(name: "bytes_sent", value: bytesSent.current),
            CounterReading(name: "publishes_received", value: publishesReceived.current),
            CounterReading(name: "publishes_sent", value: publishesSent.current),
            CounterReading(name: "deliveries_too_large", value: deliveriesTooLarge.current),
            CounterReading(name: "receive_maximum_exceeded", value: receiveMaximumExceeded.current),
            CounterReading(name: "redirections", value: redirections.current),
        ]
    }
}
