public import NIOCore

/// A client asks for its session (MQTT 5.0, 3.1).
public struct Connect: Equatable, Sendable {
    public var version: ProtocolVersion
    /// Called "clean session" before 5.0, where it also ends the session with the connection.
    public var cleanStart: Bool
    /// Seconds; 0 turns the supervision off.
    public var keepAlive: UInt16
    public var properties: Properties
    /// May be empty: the server then chooses one (MQTT-3.1.3-6).
    public var clientIdentifier: String
    public var will: Will?
    public var userName: String?
    public var password: Secret?

    public init(
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
    public struct Will: Equatable, Sendable {
        /// A valid topic name.
        public var topic: String
        public var payload: ByteBuffer
        public var qos: QoS
        public var isRetained: Bool
        public var properties: Properties

        public init(
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
public struct ConnAck: Equatable, Sendable {
    public var isSessionPresent: Bool
    /// Before 5.0 the nearest of the five return codes stands for it.
    public var reasonCode: ReasonCode
    public var properties: Properties

    public init(isSessionPresent: Bool = false, reasonCode: ReasonCode = .success, properties: Properties = []) {
        self.isSessionPresent = isSessionPresent
        self.reasonCode = reasonCode
        self.properties = properties
    }
}
