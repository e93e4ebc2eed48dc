/// The versions of MQTT-SN, bound to a peer by its CONNECT.
enum ProtocolVersion: Sendable, CaseIterable {
    /// MQTT-SN 1.2.
    case v12
    /// MQTT-SN 2.0, committee specification draft 01: another numbering of the message types.
    case v20
}
