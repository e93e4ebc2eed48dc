package import Transport

/// What can be set for the MQTT gateway. The settings keys are the composition root's.
package struct MQTTConfiguration: Sendable {
    /// Where to listen, and what is special there.
    package struct Listener: Sendable {
        /// As in the settings: `mqtt.tcp`.
        package var name: String
        package var place: ListenPlace
        /// Every connection begins with a PROXY header, version 1 or 2, and comes from where that says.
        package var expectsProxyHeader = false
        /// Nil for a listener that speaks no TLS.
        package var tls: TLSServer?
        /// What certificates and pre-shared keys say about clients.
        package var identityRules = IdentityRules()
        /// MQTT in the binary frames of a WebSocket; nil for octets as they are.
        package var webSocket: WebSocketSettings?
        /// Open connections of this listener; nil for no bound besides the gateway's.
        package var maximumConnections: Int?
        /// Instead of the gateway's, where it is set.
        package var maximumPacketSize: Int?
        /// Instead of the gateway's, where it is set.
        package var connectTimeout: Duration?

        package init(name: String, place: ListenPlace) {
            self.name = name
            self.place = place
        }

        /// As in `Messaging.Listener.transport`.
        var transport: String {
            guard case .internet = place else { return "unix" }
            return switch (tls == nil, webSocket == nil) {
            case (true, true): "tcp"
            case (true, false): "ws"
            case (false, true): "tls"
            case (false, false): "wss"
            }
        }
    }

    package var listeners: [Listener] = []
    /// Largest packet accepted from a client, in bytes, header included. 5.0 clients are told.
    package var maximumPacketSize = 1_048_576
    /// Octets that all connections together may hold of packets that have begun and are not complete. The client whose packet goes beyond
    /// it is disconnected with 0x97.
    package var maximumUnfinished = 256 * 1_048_576
    /// Longest a client may take until its CONNECT is complete, counted from the accepted connection.
    package var connectTimeout = Duration.seconds(10)
    /// Open connections; one more is closed at once.
    package var maximumConnections = 1_000_000
    /// Connections of a listener that share an event loop before another gets any, from 1.
    package var connectionsPerLoop = 256
    /// QoS 1 and 2 publications of one client that may be unacknowledged at once, 1...65,535. 5.0 clients are told
    /// (MQTT 5.0, 3.2.2.3.3); reading from others stops there.
    package var receiveMaximum: UInt16 = 1_024
    /// Topic aliases a 5.0 client may set, 0...65,535 (MQTT 5.0, 3.2.2.3.8).
    package var topicAliasMaximum: UInt16 = 32
    /// Deliveries at QoS 1 and 2 on the way at once to a client that cannot say how many it takes: before 5.0.
    package var windowBefore5 = 1_024
    /// A 5.0 client beyond its receive maximum is disconnected; else it is only read from more slowly. Counted either way.
    package var enforcesReceiveMaximum = true
    /// Topic aliases used towards one 5.0 client, as far as it takes them; bounds what its connection remembers. 0 for none.
    package var outgoingTopicAliases: UInt16 = 32
    /// Longest keep alive of 5.0 clients in seconds: who asks for more or for none is told (MQTT 5.0, 3.2.2.3.14). 0 for no bound.
    /// Older clients cannot be told and keep theirs; where that is longer or none, TCP asks their hosts instead.
    package var maximumKeepAlive: UInt16 = 0
    /// Payloads that their publishers declare to be text must be UTF-8 (MQTT 5.0, 3.3.2.3.2).
    package var validatesPayloadFormat = false
    /// For 5.0 clients that ask for it, to build response topics from (MQTT 5.0, 3.2.2.3.15); `%c` becomes the client identifier.
    package var responseInformation: String?
    /// Nobody is let in; all are told where to go.
    package var redirection: Redirection?
    package var capabilities = Capabilities()

    package init() {}
}
