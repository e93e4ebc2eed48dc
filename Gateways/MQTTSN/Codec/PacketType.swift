/// The message types of MQTT-SN 1.2, by the value of the MsgType octet (MQTT-SN 5.2.2).
///
/// 03, 11, 19, 1E to FD and FF are reserved: they have no case, and a datagram that carries one is dropped and counted.
enum PacketType: UInt8, Sendable, CaseIterable {
    case advertise = 0x00
    case searchGateway = 0x01
    case gatewayInfo = 0x02
    case connect = 0x04
    case connack = 0x05
    case willTopicRequest = 0x06
    case willTopic = 0x07
    case willMessageRequest = 0x08
    case willMessage = 0x09
    case register = 0x0A
    case regack = 0x0B
    case publish = 0x0C
    case puback = 0x0D
    case pubcomp = 0x0E
    case pubrec = 0x0F
    case pubrel = 0x10
    case subscribe = 0x12
    case suback = 0x13
    case unsubscribe = 0x14
    case unsuback = 0x15
    case pingreq = 0x16
    case pingresp = 0x17
    case disconnect = 0x18
    case willTopicUpdate = 0x1A
    case willTopicResponse = 0x1B
    case willMessageUpdate = 0x1C
    case willMessageResponse = 0x1D
    case forwarderEncapsulation = 0xFE
}
