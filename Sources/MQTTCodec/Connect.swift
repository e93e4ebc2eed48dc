package import NIOCore

/// A client asks for its session (MQTT 5.0, 3.1).
package struct Connect: Equatable, Sendable {
    package var version: ProtocolVersion
    /// Called "clean session" before 5.0, where it also ends the session with the connection.
    package var cleanStart: Bool
    /// Seconds; 0 turns the supervision off.
    package var keepAlive: UInt16
    package var properties: Properties
    /// May be empty: the server then chooses one (MQTT-3.1.3-6).
    package var clientIdentifier: String
    package var will: Will?
    package var userName: String?
    package var password: Secret?

    package init(
        version: ProtocolVersion, clientIdentifier: String, cleanStart: Bool = true, keepAlive: UInt16 = 0,
        properties: Properties = [], will: Will? = nil, userName: String? = nil, password: Secret? = nil
    ) {
        self.version = version
        self.clientIdentifier = clientIdentifier
        self.cleanStart = cleanStart
        self.keepAlive = keepAlive
        self.properties = properties
        self.will = will
        self.userName = userName
        self.password = password
    }

    /// The message to publish when the client is lost (MQTT 5.0, 3.1.3.2 to 3.1.3.4).
    package struct Will: Equatable, Sendable {
        /// A valid topic name.
        package var topic: String
        package var payload: ByteBuffer
        package var qos: QoS
        package var isRetained: Bool
        package var properties: Properties

        package init(
            topic: String, payload: ByteBuffer, qos: QoS = .atMostOnce, isRetained: Bool = false,
            properties: Properties = []
        ) {
            self.topic = topic
            self.payload = payload
            self.qos = qos
            self.isRetained = isRetained
            self.properties = properties
        }
    }
}

/// The server's answer to CONNECT (MQTT 5.0, 3.2).
package struct ConnAck: Equatable, Sendable {
    package var isSessionPresent: Bool
    /// Before 5.0 the nearest of the five return codes stands for it.
    package var reasonCode: ReasonCode
    package var properties: Properties

    package init(isSessionPresent: Bool = false, reasonCode: ReasonCode = .success, properties: Properties = []) {
        self.isSessionPresent = isSessionPresent
        self.reasonCode = reasonCode
        self.properties = properties
    }
}
