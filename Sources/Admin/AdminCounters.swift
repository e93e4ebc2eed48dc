import Messaging

/// What the operators' interface counts since its start.
final class AdminCounters: Sendable {
    let requests = Counter()
    /// Connections closed because a request, an answer or the next request took too long.
    let timeouts = Counter()
    /// Connections closed because of a body nobody asked for.
    let requestsTooLarge = Counter()

    var readings: [CounterReading] {
        [
            CounterReading(name: "requests", value: requests.current),
            CounterReading(name: "timeouts", value: timeouts.current),
            CounterReading(name: "requests_too_large", value: requestsTooLarge.current),
        ]
    }
}
