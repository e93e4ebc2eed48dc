extension Duration {
    /// How long a test waits for what has to come, however busy the machine is. Only a test that fails waits that long.
    package static let patience = Duration.seconds(60)
}
