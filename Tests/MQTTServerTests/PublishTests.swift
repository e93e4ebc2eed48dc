import MQTTCodec
import Messaging
import NIOCore
import NIOEmbedded
import TestKit
import Testing

@testable import MQTTServer

/// From clients to the broker.
@Suite struct PublishTests {
    @Test func whatOneReadBringsIsPublishedInOrderAndAnsweredInOneWrite() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(.v311)
        let before = client.writes
        try client.send(
            .publish("a", "1", .atLeastOnce, id: 1), .publish("a", "2"), .publish("b", "3", .exactlyOnce, id: 2),
            .publish("a", "4", .atLeastOnce, id: 3))
        #expect(
            try client.receive() == [
                .puback(Acknowledgement(1)), .pubrec(Acknowledgement(2)), .puback(Acknowledgement(3)),
            ])
        #expect(client.writes == before + 1)
        #expect(
            conversation.broker.published.map { String(decoding: $0.payload, as: UTF8.self) } == ["1", "2", "3", "4"])
    }

    @Test func aMessageReachesTheBrokerWithEverythingItCarries() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(.v5, id: "me")
        try client.send(
            .publish(
                "a/b", "x", .atLeastOnce, id: 1, isRetained: true,
                properties: [
                    .payloadFormatIndicator(true), .messageExpiryInterval(30), .contentType("t"), .responseTopic("r"),
                    .correlationData(ByteBuffer(bytes: [1, 2])), .userProperty(name: "k", value: "1"),
                    .userProperty(name: "k", value: "2"),
                ]))
        let message = try #require(conversation.broker.published.first)
        #expect(message.topic.string == "a/b")
        #expect(message.qos == .atLeastOnce)
        #expect(message.retain)
        #expect(message.publisher == ClientID("me"))
        #expect(message.expiresAt.since(message.publishedAt) == .seconds(30))
        let expected = MessageProperties(
            payloadFormat: .utf8, contentType: "t", responseTopic: try TopicName("r"), correlationData: [1, 2],
            userProperties: [UserProperty(name: "k", value: "1"), UserProperty(name: "k", value: "2")])
        #expect(message.properties == expected)
    }

    /// MQTT-4.3.3-10
    @Test func anExactlyOnceMessageSentTwiceIsPublishedOnce() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(.v311)
        try client.send(.publish("a", "x", .exactlyOnce, id: 5))
        try client.send(.publish("a", "x", .exactlyOnce, id: 5, isDuplicate: true))
        #expect(try client.receive() == [.pubrec(Acknowledgement(5)), .pubrec(Acknowledgement(5))])
        try client.send(.pubrel(Acknowledgement(5)))
        try client.send(.pubrel(Acknowledgement(5)))
        #expect(try client.receive() == [.pubcomp(Acknowledgement(5)), .pubcomp(Acknowledgement(5))])
        #expect(conversation.broker.published.count == 1)
        try client.send(.publish("a", "y", .exactlyOnce, id: 5))
        #expect(conversation.broker.published.count == 2)
    }

    @Test func answersWaitForTheStoreAndKeepTheirOrder() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(.v311)
        conversation.broker.commitByHand()
        try client.send(.publish("a", "1", .atLeastOnce, id: 1), .publish("a", "2", .exactlyOnce, id: 2))
        try client.send(.subscribe(3, ("x", .atMostOnce)), .pingreq)
        #expect(try client.receive() == [])
        conversation.broker.commit()
        #expect(
            try client.receive() == [
                .puback(Acknowledgement(1)), .pubrec(Acknowledgement(2)),
                .suback(SubAck(3, reasonCodes: [.grantedQoS0])),
                .pingresp,
            ])
    }

    @Test func connackWaitsForTheStoreAndNothingOvertakesIt() throws {
        let conversation = Conversation()
        conversation.broker.commitByHand()
        let client = try conversation.client(.v311)
        try client.send(.connect(Connect(version: .v311, clientIdentifier: "c", cleanStart: false)))
        try client.send(.subscribe(1, ("a", .atMostOnce)), .pingreq)
        try conversation.broker.publish("a", [])
        #expect(try client.receive() == [])
        conversation.broker.commit()
        #expect(try client.receive().map(\.type) == [.connack, .suback, .pingresp, .publish])
    }

    @Test func aRefusedPublicationIsToldFrom5OnAndAcknowledgedBefore() throws {
        for version in [ProtocolVersion.v311, .v5] {
            let conversation = Conversation()
            conversation.broker.forbid("secret")
            let client = try conversation.connectedClient(version)
            try client.send(
                .publish("secret", "x", .atLeastOnce, id: 1), .publish("secret", "x", .exactlyOnce, id: 2))
            let code: ReasonCode = version == .v5 ? .notAuthorized : .success
            #expect(
                try client.receive() == [
                    .puback(Acknowledgement(1, reasonCode: code)), .pubrec(Acknowledgement(2, reasonCode: code)),
                ])
            // From 5.0 on the refusal has ended the exchange, so the release is of nothing.
            try client.send(.pubrel(Acknowledgement(2)))
            let release: ReasonCode = version == .v5 ? .packetIdentifierNotFound : .success
            #expect(try client.receive() == [.pubcomp(Acknowledgement(2, reasonCode: release))])
        }
    }

    /// Before 5.0 an acknowledgement cannot say "not now": there is none, and the client sends the message again when it is back.
    @Test(arguments: [PublishRefusal.receiverFull, .quotaExceeded], [MQTTCodec.QoS.atLeastOnce, .exactlyOnce])
    func aMessageRefusedForNowIsNeverAcknowledgedAsAccepted(refusal: PublishRefusal, qos: MQTTCodec.QoS) throws {
        for version in [ProtocolVersion.v31, .v311, .v5] {
            let conversation = Conversation()
            conversation.broker.refuse("full", refusal)
            let client = try conversation.connectedClient(version)
            try client.send(.publish("full", "x", qos, id: 1))
            let answers = try client.receive()
            guard version == .v5 else {
                #expect(answers.isEmpty && client.isClosed)
                continue
            }
            let codes = answers.map { packet in
                switch packet {
                case .puback(let acknowledgement), .pubrec(let acknowledgement): acknowledgement.reasonCode
                default: ReasonCode.success
                }
            }
            #expect(codes == [.quotaExceeded])
            #expect(!client.isClosed)
        }
    }

    @Test func aPublisherTheBrokerHoldsBackIsNotReadFrom() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient()
        conversation.broker.holdBack(true)
        let before = client.reads.count
        client.channel.read()
        #expect(client.reads.count == before)
        conversation.broker.holdBack(false)
        conversation.eventLoop.run()
        #expect(client.reads.count == before + 1)
    }

    @Test func aClientWhoseAnswersPileUpIsNotReadFrom() throws {
        let conversation = Conversation { $0.receiveMaximum = 2 }
        let client = try conversation.connectedClient(.v311)
        conversation.broker.commitByHand()
        try client.send(.publish("a", "1", .atLeastOnce, id: 1), .publish("a", "2", .atLeastOnce, id: 2))
        let before = client.reads.count
        client.channel.read()
        #expect(client.reads.count == before)
        conversation.broker.commit()
        conversation.eventLoop.run()
        #expect(client.reads.count == before + 1)
    }

    @Test func whatCameBeforeTheGoodbyeIsPublished() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(.v311)
        try client.send(.publish("a", "1"), .publish("a", "2", .atLeastOnce, id: 1), .disconnect(Disconnect()))
        #expect(conversation.broker.published.count == 2)
        #expect(try client.receive() == [.puback(Acknowledgement(1))])
        #expect(client.isClosed)
    }

    @Test func aPacketInPiecesIsPublishedOnce() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(.v311)
        var bytes = ByteBuffer()
        PacketEncoder.encode(.publish("topic", "payload"), into: &bytes, version: .v311)
        while let piece = bytes.readSlice(length: min(3, bytes.readableBytes)), piece.readableBytes > 0 {
            try client.send(piece)
        }
        #expect(conversation.broker.published.map(\.payload) == [Array("payload".utf8)])
    }

    /// A read may end anywhere: within a header, within a packet, behind several.
    @Test func whatIsCutAnywhereIsPublishedOnceAndInOrder() throws {
        let texts = ["", "short", String(repeating: "long", count: 60), "end"]
        var bytes = ByteBuffer()
        for text in texts { PacketEncoder.encode(.publish("a/topic", text), into: &bytes, version: .v311) }
        PacketEncoder.encode(.pingreq, into: &bytes, version: .v311)  // nothing but a header
        let count = bytes.readableBytes
        for first in 0...count {
            for second in [first, first + 1, first + 2, first + 40, count] where second <= count {
                let conversation = Conversation()
                let client = try conversation.connectedClient(.v311)
                var rest = bytes
                for end in [first, second, count] {
                    guard let piece = rest.readSlice(length: end - (count - rest.readableBytes)) else { continue }
                    try client.send(piece)
                }
                let published = conversation.broker.published.map { String(decoding: $0.payload, as: UTF8.self) }
                #expect(published == texts, "cut at \(first) and \(second)")
                #expect(try client.receive() == [.pingresp], "cut at \(first) and \(second)")
            }
        }
    }

    @Test func whatFollowsAConnectInPiecesWaitsForTheBroker() throws {
        let conversation = Conversation()
        conversation.broker.parkConnects()
        let client = try conversation.client(.v311)
        var bytes = ByteBuffer()
        PacketEncoder.encode(.connect(Connect(version: .v311, clientIdentifier: "c")), into: &bytes, version: .v311)
        for text in ["1", "2", "3"] { PacketEncoder.encode(.publish("a", text), into: &bytes, version: .v311) }
        while bytes.readableBytes > 0 {
            guard let piece = bytes.readSlice(length: min(7, bytes.readableBytes)) else { break }
            try client.send(piece)
        }
        #expect(conversation.broker.published.isEmpty)
        conversation.broker.releaseConnects()
        conversation.eventLoop.run()
        #expect(conversation.broker.published.map(\.payload) == ["1", "2", "3"].map { Array($0.utf8) })
    }

    /// Answers wait for the end of the loop's turn, when all connections have been read.
    @Test func whatATurnBringsOnSeveralConnectionsIsAnsweredAtItsEnd() throws {
        let conversation = Conversation()
        let clients = try ["a", "b"].map { try conversation.connectedClient(.v311, id: $0) }
        try clients[0].subscribe("t", .atMostOnce)
        let before = clients[0].writes
        for client in clients {
            var bytes = ByteBuffer()
            PacketEncoder.encode(.publish("t", "x", .atLeastOnce, id: 1), into: &bytes, version: .v311)
            try client.channel.writeInbound(bytes)
            #expect(try client.channel.readOutbound(as: ByteBuffer.self) == nil)
        }
        #expect(
            try clients[0].receive() == [.puback(Acknowledgement(1)), .publish("t", "x"), .publish("t", "x")])
        #expect(clients[0].writes == before + 1)
        #expect(try clients[1].receive() == [.puback(Acknowledgement(1))])
    }

    /// MQTT-4.3.2-5
    @Test func anAtLeastOnceMessageWithAnIdentifierUsedBeforeIsANewOne() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(.v311)
        try client.send(.publish("a", "1", .atLeastOnce, id: 1))
        try client.send(.publish("a", "2", .atLeastOnce, id: 1))
        #expect(try client.receive() == [.puback(Acknowledgement(1)), .puback(Acknowledgement(1))])
        #expect(conversation.broker.published.count == 2)
    }
}
