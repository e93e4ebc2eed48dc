import Messaging

/// What the gateway counted since its start.
final class LwM2MStatistics: Sendable {
    let registrations = Counter()
    /// Registrations of the process before that go on.
    let restorations = Counter()
    /// Register, Update and De-register requests answered with an error.
    let refusals = Counter()
    let updates = Counter()
    let deregistrations = Counter()
    let expirations = Counter()
    /// Commands taken from mailboxes.
    let commands = Counter()
    /// Commands refused before anything was sent to the device.
    let commandsRefused = Counter()
    let notifications = Counter()
    /// Messages of ours the broker did not take.
    let publishesRefused = Counter()

    func readings() -> [CounterReading] {
        [
            ("registrations", registrations), ("restorations", restorations), ("registration_refusals", refusals),
            ("updates", updates),
            ("deregistrations", deregistrations), ("expirations", expirations), ("commands", commands),
            ("commands_refused", commandsRefused), ("notifications", notifications),
            ("publishes_refused", publishesRefused),
        ].map { CounterReading(name: $0.0, value: $0.1.current) }
    }
}
