import MQTTCodec
import Messaging
import NIOCore
import Testing

@testable import MQTTServer

/// Every word of the broker has one of MQTT 5.0 that may stand where it is said.
@Suite struct ReasonMappingTests {
    private static let connecting: [ConnectRefusal] = [
        .badCredentials, .notAuthorized, .quotaExceeded, .shuttingDown, .unavailable,
    ]
    private static let publishing: [PublishRefusal] = [
        .notAuthorized, .topicNotAllowed, .tooLarge, .quotaExceeded, .receiverFull, .detached,
    ]
    private static let subscribing: [SubscribeOutcome] = [
        .granted(.atMostOnce), .granted(.atLeastOnce), .granted(.exactlyOnce), .refused(.notAuthorized),
        .refused(.filterTooDeep), .refused(.quotaExceeded), .refused(.noLocalOnShared), .refused(.detached),
    ]
    private static let unsubscribing: [UnsubscribeOutcome] = [
        .removed, .notSubscribed, .refused(.notAuthorized), .refused(.detached),
    ]
    private static let closing: [CloseReason] = [.takenOver, .silence, .administrative, .shutdown]

    private static let packets: [Packet] =
        connecting.map { .connack(ConnAck(reasonCode: ReasonCode($0))) }
        + publishing.flatMap { refusal -> [Packet] in
            let answer = Acknowledgement(1, reasonCode: ReasonCode(refusal))
            return [.puback(answer), .pubrec(answer)]
        }
        + [
            .suback(SubAck(1, reasonCodes: subscribing.map { ReasonCode($0) })),
            .unsuback(UnsubAck(1, reasonCodes: unsubscribing.map { ReasonCode($0) })),
        ]
        + closing.map { .disconnect(Disconnect(reasonCode: ReasonCode($0))) }

    /// MQTT-3.2.2-8, MQTT-3.4.2-1, MQTT-3.5.2-1, MQTT-3.9.3-2, MQTT-3.11.3-2, MQTT-3.14.2-1: as a strict client reads it.
    @Test(arguments: packets) func everyReasonMayStandInThePacketThatCarriesIt(_ packet: Packet) throws {
        var bytes = ByteBuffer()
        PacketEncoder.encode(packet, into: &bytes, version: .v5)
        var decoder = PacketDecoder(reading: .server, version: .v5)
        #expect(try decoder.decode(from: &bytes) == packet)
    }
}
