import MQTTCodec
import NIOCore
import Testing

@testable import LoadGenerator

/// What the generator writes over a template is read again by the codec and by its own reader.
@Suite struct PublishTemplateTests {
    @Test(arguments: QoS.allCases, ProtocolVersion.allCases)
    func aMessageIsReadAsItWasWritten(qos: QoS, version: ProtocolVersion) throws {
        var template = PublishTemplate(topic: "bench/{}/x", qos: qos, payloadOctets: 300, version: version)
        let stamp = Stamp(publisher: 7, stream: 8, number: 1 << 40, ordinal: 0xFEDC_BA98_7654_3210)
        template.set(stamp, identifier: 0xABCD, topicNumber: 1_234_567)
        template.set(stamp, identifier: 0x1234, topicNumber: 42)

        var buffer = ByteBuffer(bytes: template.octets)
        var decoder = PacketDecoder(reading: .server, version: version)
        guard case .publish(let packet)? = try decoder.decode(from: &buffer) else {
            Issue.record("no PUBLISH")
            return
        }
        #expect(String(buffer: packet.topic) == "bench/0000042/x")
        #expect(packet.packetIdentifier?.rawValue == (qos == .atMostOnce ? nil : 0x1234))
        #expect(packet.payload.readableBytes == 300)
        #expect(buffer.readableBytes == 0)

        let span = template.octets.span
        guard case .frame(let frame) = Frame.read(span, at: 0, count: span.count) else {
            Issue.record("no frame")
            return
        }
        let delivery = Delivery(frame, in: span, version: version)
        #expect(delivery?.stamp == stamp)
        #expect(delivery?.qos == qos)
        #expect(delivery?.identifier == packet.packetIdentifier?.rawValue ?? 0)
    }

    @Test func partsOfAPacketAreNoFrame() {
        let octets = PublishTemplate(topic: "a", qos: .atLeastOnce, payloadOctets: 200, version: .v5).octets
        let span = octets.span
        for count in 0..<octets.count {
            guard case .incomplete = Frame.read(span, at: 0, count: count) else {
                Issue.record("\(count) octets were taken for a packet")
                return
            }
        }
    }

    @Test func damagedLengthsNeverReadBeyondThePacket() {
        let octets: [UInt8] = [0x32, 4, 0xFF, 0xFF, 0, 1]
        let span = octets.span
        guard case .frame(let frame) = Frame.read(span, at: 0, count: span.count) else {
            Issue.record("no frame")
            return
        }
        #expect(Delivery(frame, in: span, version: .v5) == nil)
        let endless: [UInt8] = [0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0]
        guard case .malformed = Frame.read(endless.span, at: 0, count: endless.count) else {
            Issue.record("a length of five octets was taken")
            return
        }
    }
}
