/// The last packet of a connection (MQTT 5.0, 3.14). Before 5.0 only clients send it, and it is empty.
public struct Disconnect: Equatable, Sendable {
    public var reasonCode: ReasonCode
    public var properties: Properties

    public init(reasonCode: ReasonCode = .normalDisconnection, properties: Properties = []) {
        self.reasonCode = reasonCode
        self.properties = properties
    }
}

/// A step of an authentication method that needs several (MQTT 5.0, 3.15).
public struct Auth: Equatable, Sendable {
    public var reasonCode: ReasonCode
    public var properties: Properties

    public init(reasonCode: ReasonCode, properties: Properties = []) {
        self.reasonCode = reasonCode
        self.properties = properties
    }
}
