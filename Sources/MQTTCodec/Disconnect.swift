/// The last packet of a connection (MQTT 5.0, 3.14). Before 5.0 only clients send it, and it is empty.
package struct Disconnect: Equatable, Sendable {
    package var reasonCode: ReasonCode
    package var properties: Properties

    package init(reasonCode: ReasonCode = .normalDisconnection, properties: Properties = []) {
        self.reasonCode = reasonCode
        self.properties = properties
    }
}

/// A step of an authentication method that needs several (MQTT 5.0, 3.15).
package struct Auth: Equatable, Sendable {
    package var reasonCode: ReasonCode
    package var properties: Properties

    package init(reasonCode: ReasonCode, properties: Properties = []) {
        self.reasonCode = reasonCode
        self.properties = properties
    }
}
