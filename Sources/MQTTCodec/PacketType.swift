/// The upper four bits of a packet's first byte (MQTT 5.0, 2.1.2).
public enum PacketType: UInt8, Sendable, CaseIterable {
    case connect = 1
    case connack = 2
    case publish = 3
    case puback = 4
    case pubrec = 5
    case pubrel = 6
    case pubcomp = 7
    case subscribe = 8
    case suback = 9
    case unsubscribe = 10
    case unsuback = 11
    case pingreq = 12
    case pingresp = 13
    case disconnect = 14
    case auth = 15

    /// The lower four bits that this type must carry (MQTT-2.1.3-1, MQTT-3.6.1-1, MQTT-3.8.1-1, MQTT-3.10.1-1, MQTT-3.14.1-1,
    /// MQTT-3.15.1-1); nil for PUBLISH, which uses them.
    var requiredFlags: UInt8? {
        switch self {
        case .publish: nil
        case .pubrel, .subscribe, .unsubscribe: 0b0010
        default: 0
        }
    }

    /// Whether `sender` may send it at all (MQTT 5.0, table 2-1).
    func mayBeSent(by sender: Sender, version: ProtocolVersion) -> Bool {
        switch self {
        case .connect, .subscribe, .unsubscribe, .pingreq: sender == .client
        case .connack, .suback, .unsuback, .pingresp: sender == .server
        case .publish, .puback, .pubrec, .pubrel, .pubcomp: true
        case .disconnect: sender == .client || version == .v5
        case .auth: version == .v5
        }
    }
}

/// Who sent the bytes a decoder reads.
public enum Sender: Sendable {
    case client
    case server
}
