/// One MQTT control packet of any version, in either direction (MQTT 5.0, 2.1.2).
public enum Packet: Equatable, Sendable {
    indirect case connect(Connect)
    indirect case connack(ConnAck)
    case publish(Publish)
    case puback(Acknowledgement)
    case pubrec(Acknowledgement)
    case pubrel(Acknowledgement)
    case pubcomp(Acknowledgement)
    case subscribe(Subscribe)
    case suback(SubAck)
    case unsubscribe(Unsubscribe)
    case unsuback(UnsubAck)
    case pingreq
    case pingresp
    case disconnect(Disconnect)
    case auth(Auth)

    public var type: PacketType {
        switch self {
        case .connect: .connect
        case .connack: .connack
        case .publish: .publish
        case .puback: .puback
        case .pubrec: .pubrec
        case .pubrel: .pubrel
        case .pubcomp: .pubcomp
        case .subscribe: .subscribe
        case .suback: .suback
        case .unsubscribe: .unsubscribe
        case .unsuback: .unsuback
        case .pingreq: .pingreq
        case .pingresp: .pingresp
        case .disconnect: .disconnect
        case .auth: .auth
        }
    }
}

extension Packet {
    /// The packet without reason string and user properties; itself when it has none that may be left out.
    public var withoutExplanation: Packet {
        switch self {
        case .connack(let packet):
            .connack(
                ConnAck(
                    isSessionPresent: packet.isSessionPresent, reasonCode: packet.reasonCode,
                    properties: packet.properties.withoutExplanation))
        case .puback(let packet): .puback(packet.withoutExplanation)
        case .pubrec(let packet): .pubrec(packet.withoutExplanation)
        case .pubrel(let packet): .pubrel(packet.withoutExplanation)
        case .pubcomp(let packet): .pubcomp(packet.withoutExplanation)
        case .suback(let packet):
            .suback(
                SubAck(
                    packet.packetIdentifier, reasonCodes: packet.reasonCodes,
                    properties: packet.properties.withoutExplanation))
        case .unsuback(let packet):
            .unsuback(
                UnsubAck(
                    packet.packetIdentifier, reasonCodes: packet.reasonCodes,
                    properties: packet.properties.withoutExplanation))
        case .disconnect(let packet):
            .disconnect(Disconnect(reasonCode: packet.reasonCode, properties: packet.properties.withoutExplanation))
        case .auth(let packet):
            .auth(Auth(reasonCode: packet.reasonCode, properties: packet.properties.withoutExplanation))
        case .connect, .publish, .subscribe, .unsubscribe, .pingreq, .pingresp: self
        }
    }
}

extension Acknowledgement {
    fileprivate var withoutExplanation: Acknowledgement {
        Acknowledgement(packetIdentifier, reasonCode: reasonCode, properties: properties.withoutExplanation)
    }
}
