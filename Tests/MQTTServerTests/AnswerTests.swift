import MQTTCodec
import Messaging
import NIOCore
import TestKit
import Testing

@testable import MQTTServer

/// Order, size and words of what answers a client.
@Suite struct AnswerTests {
    /// MQTT-4.6.0-2, MQTT-4.6.0-3
    @Test func answersLeaveInTheOrderOfTheirQuestions() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(.v311)
        try client.subscribe("s", .exactlyOnce)
        try conversation.broker.publish("s", [1], qos: .exactlyOnce)
        _ = try client.receive()
        try client.send(
            .publish("a", "1", .exactlyOnce, id: 1), .publish("a", "2", .atLeastOnce, id: 2), .pubrel(Acknowledgement(1)),
            .publish("a", "3", .atLeastOnce, id: 3), .pubrec(Acknowledgement(1)), .pingreq,
            .publish("a", "4", .exactlyOnce, id: 1))
        #expect(
            try client.receive() == [
                .pubrec(Acknowledgement(1)), .puback(Acknowledgement(2)), .pubcomp(Acknowledgement(1)),
                .puback(Acknowledgement(3)), .pubrel(Acknowledgement(1)), .pingresp, .pubrec(Acknowledgement(1)),
            ])
        #expect(conversation.broker.published.count == 5)
    }

    /// PUBACKs that say no more than their identifiers are written together, and keep their places among the others.
    @Test(arguments: ProtocolVersion.allCases)
    func acknowledgementsInRunsKeepTheirPlaces(_ version: ProtocolVersion) throws {
        let conversation = Conversation()
        conversation.broker.say(receivers: 1, of: "a")
        let client = try conversation.connectedClient(version)
        try client.send(
            .publish("a", "1", .atLeastOnce, id: 1), .publish("a", "2", .atLeastOnce, id: 2),
            .publish("nobody", "3", .atLeastOnce, id: 3), .publish("a", "4", .atLeastOnce, id: 4),
            .publish("a", "5", .exactlyOnce, id: 5), .publish("a", "6"), .publish("a", "7", .atLeastOnce, id: 65_535))
        let nobody = version == .v5 ? Acknowledgement(3, reasonCode: .noMatchingSubscribers) : Acknowledgement(3)
        #expect(
            try client.receive() == [
                .puback(Acknowledgement(1)), .puback(Acknowledgement(2)), .puback(nobody), .puback(Acknowledgement(4)),
                .pubrec(Acknowledgement(5)), .puback(Acknowledgement(65_535)),
            ])
    }

    // MARK: Reason strings

    /// MQTT-3.1.2-29: what answers a packet is explained only to those who did not decline it.
    @Test(arguments: [true, false])
    func aRefusalIsExplainedUnlessDeclined(_ wanted: Bool) throws {
        let conversation = Conversation()
        let properties: Properties = wanted ? [] : [.requestProblemInformation(false)]
        let client = try conversation.connectedClient(properties: properties)
        try client.send(.subscribe(1, ("a#", .atMostOnce)), .unsubscribe(Unsubscribe(2, filters: ["#/"])))
        let why = Properties.reason(wanted ? "wildcards stand alone in their level, # in the last one" : nil)
        #expect(
            try client.receive() == [
                .suback(SubAck(1, reasonCodes: [.topicFilterInvalid], properties: why)),
                .unsuback(UnsubAck(2, reasonCodes: [.topicFilterInvalid], properties: why)),
            ])
    }

    @Test func aGoodbyeIsExplainedInAnyCase() throws {
        let client = try Conversation().connectedClient(properties: [.requestProblemInformation(false)])
        try client.send(ByteBuffer(bytes: [0x36, 0x00]))
        let goodbye = try client.goodbye()
        #expect(goodbye.reasonCode == .malformedPacket)
        #expect(goodbye.properties.reasonString != nil)
    }

    // MARK: Size

    private static let explanation: Properties = [
        .reasonString("much too long for a client that takes so little"), .userProperty(name: "name", value: "value"),
    ]
    private static let explained: [Packet] = [
        .connack(ConnAck(reasonCode: .notAuthorized, properties: explanation)),
        .puback(Acknowledgement(1, reasonCode: .notAuthorized, properties: explanation)),
        .pubrec(Acknowledgement(1, reasonCode: .notAuthorized, properties: explanation)),
        .pubrel(Acknowledgement(1, reasonCode: .packetIdentifierNotFound, properties: explanation)),
        .pubcomp(Acknowledgement(1, reasonCode: .packetIdentifierNotFound, properties: explanation)),
        .suback(SubAck(1, reasonCodes: [.notAuthorized], properties: explanation)),
        .unsuback(UnsubAck(1, reasonCodes: [.notAuthorized], properties: explanation)),
        .disconnect(Disconnect(reasonCode: .notAuthorized, properties: explanation)),
        .auth(
            Auth(
                reasonCode: .continueAuthentication,
                properties: explanation.list.reduce(into: [.authenticationMethod("M")]) { $0.append($1) })),
    ]

    /// MQTT-3.2.2-19, MQTT-3.2.2-20, MQTT-3.4.2-2, MQTT-3.4.2-3, MQTT-3.5.2-2, MQTT-3.5.2-3, MQTT-3.6.2-2, MQTT-3.6.2-3,
    /// MQTT-3.7.2-2, MQTT-3.7.2-3, MQTT-3.9.2-1, MQTT-3.9.2-2, MQTT-3.11.2-1, MQTT-3.11.2-2, MQTT-3.14.2-3, MQTT-3.14.2-4,
    /// MQTT-3.15.2-2, MQTT-3.15.2-3
    @Test(arguments: explained) func everyPacketLosesAnExplanationThatDoesNotFit(_ packet: Packet) throws {
        for (limit, expected) in [(UInt32(200), packet), (40, packet.withoutExplanation)] {
            let client = try Conversation().connectedClient(properties: [.maximumPacketSize(limit)])
            client.handler.write(packet)
            client.handler.flush()
            #expect(try client.receive() == [expected])
            #expect(!client.isClosed)
        }
        #expect(packet != packet.withoutExplanation)
    }

    @Test func anExplanationThatDoesNotFitIsLeftOut() throws {
        let client = try Conversation().connectedClient(properties: [.maximumPacketSize(40)])
        try client.send(.subscribe(1, ("a#", .atMostOnce)))
        #expect(try client.receive() == [.suback(SubAck(1, reasonCodes: [.topicFilterInvalid]))])
        try client.send(ByteBuffer(bytes: [0x30, 0x00]))
        #expect(try client.receive().map(\.type) == [.disconnect])
    }

    /// MQTT-3.1.2-24: the client would wait for it in vain.
    @Test func anAnswerThatDoesNotFitEndsTheConnection() throws {
        let client = try Conversation().connectedClient(properties: [.maximumPacketSize(60)])
        let filters = (0..<100).map { Subscribe.Filter("f/\($0)", qos: .atMostOnce) }
        try client.send(.publish("a", "", .atLeastOnce, id: 9), .subscribe(Subscribe(1, filters: filters)), .pingreq)
        let answers = try client.receive()
        #expect(answers.map(\.type) == [.puback, .disconnect])
        guard case .disconnect(let goodbye) = answers.last else { return }
        #expect(goodbye.reasonCode == .packetTooLarge)
        #expect(client.isClosed)
    }

    @Test func aClientThatCannotTakeItsWelcomeIsToldAndItsWillIsNotPublished() throws {
        let conversation = Conversation()
        let client = try conversation.client()
        let will = Connect.Will(topic: "will", payload: ByteBuffer())
        try client.send(
            .connect(Connect(version: .v5, clientIdentifier: "", properties: [.maximumPacketSize(10)], will: will)))
        #expect(try client.receive() == [.connack(ConnAck(reasonCode: .packetTooLarge))])
        #expect(client.isClosed)
        #expect(conversation.broker.published.isEmpty)
    }

    // MARK: Payload format

    @Test(arguments: [MQTTCodec.QoS.atLeastOnce, .exactlyOnce, .atMostOnce])
    func aPayloadThatIsNotTheTextItIsDeclaredToBeIsRefusedWhereAsked(_ qos: MQTTCodec.QoS) throws {
        for validates in [true, false] {
            let conversation = Conversation { $0.validatesPayloadFormat = validates }
            let client = try conversation.connectedClient()
            let publish = Publish(
                topic: ByteBuffer(string: "a"), payload: ByteBuffer(bytes: [0xFF]), qos: qos,
                packetIdentifier: qos == .atMostOnce ? nil : 1, properties: [.payloadFormatIndicator(true)])
            try client.send(.publish(publish))
            let refusal = Acknowledgement(1, reasonCode: .payloadFormatInvalid)
            let answers: [MQTTCodec.QoS: Packet] = [
                .atMostOnce: .disconnect(Disconnect(reasonCode: .payloadFormatInvalid)), .atLeastOnce: .puback(refusal),
                .exactlyOnce: .pubrec(refusal),
            ]
            if validates { #expect(try client.receive() == [answers[qos]]) }
            #expect(conversation.broker.published.isEmpty == validates)
        }
    }

    @Test func aWillThatIsNotTheTextItIsDeclaredToBeIsRefused() throws {
        let client = try Conversation { $0.validatesPayloadFormat = true }.client()
        let will = Connect.Will(
            topic: "w", payload: ByteBuffer(bytes: [0xC0]), properties: [.payloadFormatIndicator(true)])
        try client.send(.connect(Connect(version: .v5, clientIdentifier: "c", will: will)))
        #expect(try client.receive() == [.connack(ConnAck(reasonCode: .payloadFormatInvalid))])
    }

    // MARK: Receive maximum

    @Test func aClientBeyondItsReceiveMaximumIsDisconnectedOrServedAndCountedEitherWay() throws {
        for enforces in [true, false] {
            let conversation = Conversation {
                $0.receiveMaximum = 1
                $0.enforcesReceiveMaximum = enforces
            }
            conversation.broker.commitByHand()
            let client = try conversation.client()
            try client.send(.connect(Connect(version: .v5, clientIdentifier: "c")))
            conversation.broker.commit()
            _ = try client.receive()
            try client.send(.publish("a", "1", .atLeastOnce, id: 1), .publish("a", "2", .atLeastOnce, id: 2))
            conversation.broker.commit()
            let types = try client.receive().map(\.type)
            #expect(types == (enforces ? [.disconnect] : [.puback, .puback]))
            #expect(conversation.server.counters.receiveMaximumExceeded.current == 1)
        }
    }
}
