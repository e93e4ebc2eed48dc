/// Version of MQTT a connection speaks; the raw value is the protocol level of CONNECT (MQTT 5.0, 3.1.2.2).
public enum ProtocolVersion: UInt8, Sendable, CaseIterable, Comparable {
    case v31 = 3
    case v311 = 4
    case v5 = 5

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// Name that CONNECT carries along with the level: 3.1 was still called by the name of its ancestor.
    public var protocolName: String { self == .v31 ? "MQIsdp" : "MQTT" }

    /// From 5.0 on packets carry properties and most acknowledgements a reason.
    public var hasProperties: Bool { self == .v5 }
}
