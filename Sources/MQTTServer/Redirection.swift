import MQTTCodec

/// Where clients shall go instead of here (MQTT 5.0, 4.11).
package struct Redirection: Equatable, Sendable {
    /// `host` or `host:port`, several separated by spaces (MQTT 5.0, 4.11).
    package var reference: String
    /// For good, so that a client may change its settings (0x9D); else for this time (0x9C).
    package var isPermanent: Bool

    package init(reference: String, isPermanent: Bool = false) {
        self.reference = reference
        self.isPermanent = isPermanent
    }

    var reasonCode: ReasonCode { isPermanent ? .serverMoved : .useAnotherServer }
}
