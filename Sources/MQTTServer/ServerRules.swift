/// What the protocol shows of the settings. One object for all connections of a listener: an idle one should be small.
final class ServerRules: Sendable {
    let configuration: MQTTConfiguration
    /// Longest session expiry the broker grants, in seconds; nil for no bound.
    let sessionExpiryMaximum: UInt32?

    init(_ configuration: MQTTConfiguration, sessionExpiryMaximum: UInt32? = nil) {
        self.configuration = configuration
        self.sessionExpiryMaximum = sessionExpiryMaximum
    }
}
