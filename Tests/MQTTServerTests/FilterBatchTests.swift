import MQTTCodec
import Messaging
import NIOCore
import TestKit
import Testing

@testable import MQTTServer

/// SUBSCRIBE and UNSUBSCRIBE packets that come together.
@Suite struct FilterBatchTests {
    @Test(arguments: [ProtocolVersion.v31, .v311, .v5])
    func areAnsweredEachInOrder(_ version: ProtocolVersion) throws {
        let client = try Conversation().connectedClient(version)
        try client.send(
            .subscribe(1, ("a", .atLeastOnce)), .unsubscribe(Unsubscribe(2, filters: ["a", "b"])),
            .subscribe(3, ("b", .atMostOnce), ("c", .exactlyOnce)))
        #expect(
            try client.receive() == [
                .suback(SubAck(1, reasonCodes: [.grantedQoS1])),
                .unsuback(UnsubAck(2, reasonCodes: version == .v5 ? [.success, .noSubscriptionExisted] : [])),
                .suback(SubAck(3, reasonCodes: [.grantedQoS0, .grantedQoS2])),
            ])
    }

    /// What the broker is not asked about is told in its own packet and place.
    @Test func aBadFilterFailsInItsOwnPacket() throws {
        let conversation = Conversation()
        conversation.broker.forbid("secret")
        let client = try conversation.connectedClient()
        try client.send(
            .subscribe(1, ("a", .atMostOnce)), .subscribe(2, ("#/", .atMostOnce), ("b", .atLeastOnce)),
            .unsubscribe(Unsubscribe(3, filters: ["a", "+x"])), .subscribe(4, ("secret", .atMostOnce)),
            .subscribe(5, ("c", .atMostOnce)))
        let why = Properties.reason("wildcards stand alone in their level, # in the last one")
        #expect(
            try client.receive() == [
                .suback(SubAck(1, reasonCodes: [.grantedQoS0])),
                .suback(SubAck(2, reasonCodes: [.topicFilterInvalid, .grantedQoS1], properties: why)),
                .unsuback(UnsubAck(3, reasonCodes: [.success, .topicFilterInvalid], properties: why)),
                .suback(SubAck(4, reasonCodes: [.notAuthorized])), .suback(SubAck(5, reasonCodes: [.grantedQoS0])),
            ])
        #expect(conversation.broker.session("client")?.filters == ["b", "c"])
        #expect(conversation.server.counters.subscriptionsRefused.current == 2)
    }

    /// A client that subscribes and publishes in one write gets its message, and none once it has unsubscribed.
    @Test func otherPacketsHaveTheirPlaceAmongThem() throws {
        let client = try Conversation().connectedClient(.v311)
        try client.send(
            .publish("a", "before"), .subscribe(1, ("a", .atMostOnce)), .publish("a", "in between"), .pingreq,
            .unsubscribe(Unsubscribe(2, filters: ["a"])), .publish("a", "after"))
        let packets = try client.receive()
        #expect(packets.filter { $0.type == .publish } == [.publish("a", "in between")])
        let answers = packets.filter { $0.type != .publish }
        #expect(answers == [.suback(SubAck(1, reasonCodes: [.grantedQoS0])), .pingresp, .unsuback(UnsubAck(2))])
    }

    @Test func whatCameBeforeAMalformedPacketCounts() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient()
        let stay = try conversation.connectedClient(id: "stay")
        var bytes = ByteBuffer()
        PacketEncoder.encode(.subscribe(1, ("a", .atMostOnce)), into: &bytes, version: .v5)
        bytes.writeBytes([0x82, 0x03, 0, 7, 0])  // no filter
        try client.send(bytes)
        let answers = try client.receive()
        #expect(answers.first == .suback(SubAck(1, reasonCodes: [.grantedQoS0])))
        #expect(answers.map(\.type) == [.suback, .disconnect])
        #expect(client.isClosed)
        // Nothing of it is left for who comes next on the same loop.
        try stay.subscribe("b", .atMostOnce)
        #expect(conversation.broker.session("stay")?.filters == ["b"])
    }

    @Test func waitForTheStoreWhereItPromises() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient()
        conversation.broker.commitByHand()
        try client.send(.subscribe(1, ("a", .atMostOnce)), .unsubscribe(Unsubscribe(2, filters: ["a"])))
        #expect(try client.receive() == [])
        conversation.broker.commit()
        #expect(
            try client.receive() == [
                .suback(SubAck(1, reasonCodes: [.grantedQoS0])), .unsuback(UnsubAck(2, reasonCodes: [.success])),
            ])
    }
}
