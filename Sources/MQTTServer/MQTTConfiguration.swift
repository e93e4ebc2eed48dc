/// What can be set for the MQTT gateway. The settings keys are the composition root's.
package struct MQTTConfiguration: Sendable {
    /// Where to listen.
    package struct Listener: Sendable {
        /// As in the settings: `mqtt.tcp`.
        package var name: String
        /// Numeric IPv4 or IPv6 address.
        package var address: String
        /// 0 lets the system choose.
        package var port: Int

        package init(name: String = "mqtt.tcp", address: String = "127.0.0.1", port: Int = 1_883) {
            self.name = name
            self.address = address
            self.port = port
        }
    }

    package var listeners = [Listener()]
    /// Largest packet accepted from a client, in bytes, header included. 5.0 clients are told.
    package var maximumPacketSize = 1_048_576
    /// Longest a client may stay silent before its CONNECT is complete.
    package var connectTimeout = Duration.seconds(10)
    /// Open connections; one more is closed at once.
    package var maximumConnections = 1_000_000
    /// QoS 1 and 2 publications of one client that may be unacknowledged at once, 1...65,535. 5.0 clients are told
    /// (MQTT 5.0, 3.2.2.3.3); reading from others stops there.
    package var receiveMaximum: UInt16 = 1_024
    /// Topic aliases a 5.0 client may set, 0...65,535 (MQTT 5.0, 3.2.2.3.8).
    package var topicAliasMaximum: UInt16 = 32
    /// Deliveries at QoS 1 and 2 on the way at once to a client that cannot say how many it takes: before 5.0.
    package var windowBefore5 = 1_024

    package init() {}
}
