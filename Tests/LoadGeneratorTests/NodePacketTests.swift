import Testing

@testable import LoadGenerator

@Suite struct NodePacketTests {
    @Test func messagesAreTheOctetsOfTheStandard() {
        #expect(NodePacket.connect("ab") == [8, 0x04, 0x04, 0x01, 0x0E, 0x10, 0x61, 0x62])
        #expect(NodePacket.subscribe("t", qos: 1, messageIdentifier: 0x0102) == [6, 0x12, 0x20, 1, 2, 0x74])
        #expect(NodePacket.pingreq("ab") == [4, 0x16, 0x61, 0x62])
        #expect(NodePacket.disconnect(sleep: 0x0203) == [4, 0x18, 2, 3])
        #expect(NodePacket.disconnect(sleep: nil) == [2, 0x18])
        #expect(
            NodePacket.repeated(NodePacket.publish(topic: 5, qos: 1, messageIdentifier: 6, payload: [9]))
                == [8, 0x0C, 0xA0, 0, 5, 0, 6, 9])
        #expect(NodePacket.repeated(NodePacket.pingreq("ab")) == NodePacket.pingreq("ab"))
    }

    @Test(arguments: [1, 248, 249, 250, 1_000])
    func lengthsOfOneAndOfThreeOctetsAreRead(payload: Int) {
        let octets = NodePacket.publish(
            topic: 5, qos: 0, messageIdentifier: 0, payload: [UInt8](repeating: 7, count: payload))
        let packet = ReceivedNodePacket(octets.span, count: octets.count)
        #expect(packet?.kind == .publish)
        #expect(packet?.body.count == payload + 5)
        #expect(packet?.number(octets.span, at: 1) == 5)
    }

    @Test func whatIsNoMessageIsNotRead() {
        for octets: [UInt8] in [[], [2], [3, 0x17], [2, 0xFF], [1, 0, 4], [1, 0, 3, 0x17], [0, 0x17]] {
            #expect(ReceivedNodePacket(octets.span, count: octets.count) == nil, "\(octets)")
        }
    }
}
