/// The message types, which the versions number differently. A type without a number in a version does not exist there; a number
/// without a type is reserved, and a datagram that carries it is dropped and counted (MQTT-SN 5.2.2).
enum PacketType: Sendable, CaseIterable {
    case advertise, searchGateway, gatewayInfo
    case connect, connack
    case willTopicRequest, willTopic, willMessageRequest, willMessage
    case register, regack
    case publish, puback, pubcomp, pubrec, pubrel
    case subscribe, suback, unsubscribe, unsuback
    case pingreq, pingresp, disconnect
    case willTopicUpdate, willTopicResponse, willMessageUpdate, willMessageResponse
    case forwarderEncapsulation
    // MARK: 2.0 only
    case auth, publishWithoutSession, sleepRequest, sleepResponse, wakeUp, connectionEncapsulation,
        protectionEncapsulation

    init?(code: UInt8, in version: ProtocolVersion) {
        guard let type = Self.byCode[version]?[Int(code)] else { return nil }
        self = type
    }

    private static let byCode: [ProtocolVersion: [PacketType?]] = {
        var tables: [ProtocolVersion: [PacketType?]] = [:]
        for version in ProtocolVersion.allCases {
            var table = [PacketType?](repeating: nil, count: 256)
            for type in allCases { if let code = type.code(in: version) { table[Int(code)] = type } }
            tables[version] = table
        }
        return tables
    }()

    /// The MsgType octet; nil when the version has no such message.
    func code(in version: ProtocolVersion) -> UInt8? {
        switch version {
        case .v12: code12
        case .v20: code20
        }
    }

    private var code12: UInt8? {
        switch self {
        case .advertise: 0x00
        case .searchGateway: 0x01
        case .gatewayInfo: 0x02
        case .connect: 0x04
        case .connack: 0x05
        case .willTopicRequest: 0x06
        case .willTopic: 0x07
        case .willMessageRequest: 0x08
        case .willMessage: 0x09
        case .register: 0x0A
        case .regack: 0x0B
        case .publish: 0x0C
        case .puback: 0x0D
        case .pubcomp: 0x0E
        case .pubrec: 0x0F
        case .pubrel: 0x10
        case .subscribe: 0x12
        case .suback: 0x13
        case .unsubscribe: 0x14
        case .unsuback: 0x15
        case .pingreq: 0x16
        case .pingresp: 0x17
        case .disconnect: 0x18
        case .willTopicUpdate: 0x1A
        case .willTopicResponse: 0x1B
        case .willMessageUpdate: 0x1C
        case .willMessageResponse: 0x1D
        case .forwarderEncapsulation: 0xFE
        default: nil
        }
    }

    private var code20: UInt8? {
        switch self {
        case .connect: 0x01
        case .connack: 0x02
        case .publish: 0x03
        case .puback: 0x04
        case .pubrec: 0x05
        case .pubrel: 0x06
        case .pubcomp: 0x07
        case .subscribe: 0x08
        case .suback: 0x09
        case .unsubscribe: 0x0A
        case .unsuback: 0x0B
        case .pingreq: 0x0C
        case .pingresp: 0x0D
        case .disconnect: 0x0E
        case .auth: 0x0F
        case .register: 0x10
        case .regack: 0x11
        case .publishWithoutSession: 0x12
        case .sleepRequest: 0x13
        case .sleepResponse: 0x14
        case .wakeUp: 0x15
        case .advertise: 0x16
        case .searchGateway: 0x17
        case .gatewayInfo: 0x18
        case .forwarderEncapsulation: 0xFC
        case .connectionEncapsulation: 0xFE
        case .protectionEncapsulation: 0xFF
        default: nil
        }
    }
}
