import MQTTCodec
import Messaging
import NIOCore
import NIOEmbedded
import TestKit
import Testing

@testable import MQTTServer

/// Authentication methods of several steps (MQTT 5.0, 4.12).
@Suite struct AuthenticationTests {
    private func conversation() -> Conversation {
        let conversation = Conversation()
        conversation.broker.offer("DOOR") { Doorman() }
        return conversation
    }

    private func properties(_ data: String, method: String = "DOOR") -> Properties {
        [.authenticationMethod(method), .authenticationData(MQTTCodec.Secret(ByteBuffer(string: data)))]
    }

    private func auth(_ code: ReasonCode, _ data: String, method: String = "DOOR") -> Packet {
        .auth(Auth(reasonCode: code, properties: properties(data, method: method)))
    }

    private func knock(_ conversation: Conversation, will: Connect.Will? = nil) throws -> Client {
        let client = try conversation.client()
        try client.send(
            .connect(Connect(version: .v5, clientIdentifier: "c", properties: properties("hello"), will: will)))
        return client
    }

    private func enter(_ conversation: Conversation, as name: String = "me") throws -> Client {
        let client = try knock(conversation)
        _ = try client.receive()
        try client.send(auth(.continueAuthentication, name))
        _ = try client.welcome()
        return client
    }

    /// MQTT-4.12.0-2, MQTT-4.12.0-5
    @Test func aClientIsAskedAndLetInAsWhoItProvedToBe() throws {
        let conversation = conversation()
        let client = try knock(conversation)
        #expect(try client.receive() == [auth(.continueAuthentication, "who?")])
        #expect(conversation.broker.connectRequests.isEmpty)
        try client.send(auth(.continueAuthentication, "me"), .pingreq)
        let answers = try client.receive()
        #expect(answers.map(\.type) == [.connack, .pingresp])
        guard case .connack(let welcome) = answers.first else { return }
        #expect(welcome.properties.authenticationMethod == "DOOR")
        #expect(welcome.properties.authenticationData?.bytes == ByteBuffer(string: "welcome"))
        #expect(conversation.broker.connectRequests.first?.proven?.kind == .user("me"))
    }

    /// MQTT-4.12.0-4
    @Test func aClientThatCannotProveItIsRefused() throws {
        let conversation = conversation()
        let client = try knock(conversation, will: Connect.Will(topic: "will", payload: ByteBuffer()))
        _ = try client.receive()
        try client.send(auth(.continueAuthentication, "bad"), .publish("a", "x"))
        #expect(try client.receive() == [.connack(ConnAck(reasonCode: .badUserNameOrPassword))])
        #expect(client.isClosed)
        #expect(conversation.broker.connectRequests.isEmpty && conversation.broker.published.isEmpty)
    }

    /// MQTT-4.12.0-1
    @Test func aMethodNobodyOffersIsRefused() throws {
        let client = try Conversation().client()
        try client.send(.connect(Connect(version: .v5, clientIdentifier: "c", properties: properties("x"))))
        #expect(try client.receive() == [.connack(ConnAck(reasonCode: .badAuthenticationMethod))])
    }

    /// MQTT-3.1.2-30
    @Test func aClientThatIsAskedMayOnlyAnswerOrLeave() throws {
        let conversation = conversation()
        let packets: [Packet] = [
            .pingreq, .publish("a", "x"), auth(.reauthenticate, "me"),
            auth(.continueAuthentication, "me", method: "OTHER"),
        ]
        for packet in packets {
            let client = try knock(conversation)
            try client.send(packet)
            guard case .connack(let refusal) = try client.receive().last else {
                throw Conversation.Failure.somethingElseCame
            }
            #expect(refusal.reasonCode == .protocolError)
            #expect(client.isClosed)
        }
        let client = try knock(conversation)
        try client.send(.disconnect(Disconnect()))
        #expect(client.isClosed)
        #expect(conversation.broker.connectRequests.isEmpty && conversation.broker.published.isEmpty)
    }

    @Test func theTimeToConnectCoversTheExchange() throws {
        let conversation = conversation()
        let client = try knock(conversation)
        conversation.eventLoop.advanceTime(by: .seconds(11))
        #expect(try client.receive().last == .connack(ConnAck(reasonCode: .notAuthorized)))
        #expect(client.isClosed)
    }

    // MARK: Again

    @Test func aConnectedClientProvesItselfAgainAndGoesOnMeanwhile() throws {
        let client = try enter(conversation())
        try client.send(auth(.reauthenticate, "hello"), .pingreq)
        #expect(try client.receive() == [auth(.continueAuthentication, "who?"), .pingresp])
        try client.send(.pingreq, auth(.continueAuthentication, "me"))
        #expect(try client.receive() == [.pingresp, auth(.success, "welcome")])
        try client.send(auth(.reauthenticate, "hello"))
        #expect(try client.receive() == [auth(.continueAuthentication, "who?")])
    }

    /// MQTT-4.12.1-2
    @Test(arguments: ["bad", "other"])
    func whoFailsToProveItselfAgainOrIsSomebodyElseIsDisconnected(_ name: String) throws {
        let client = try enter(conversation())
        try client.send(auth(.reauthenticate, "hello"))
        _ = try client.receive()
        try client.send(auth(.continueAuthentication, name))
        #expect(try client.goodbye().reasonCode == .notAuthorized)
        #expect(client.isClosed)
    }

    /// MQTT-4.12.0-6, MQTT-4.12.1-1
    @Test func anAuthOutOfPlaceIsAProtocolError() throws {
        let plain = try conversation().connectedClient()
        try plain.send(auth(.reauthenticate, "hello"))
        #expect(try plain.goodbye().reasonCode == .protocolError)
        for packet in [
            auth(.continueAuthentication, "me"), auth(.success, "me"), auth(.reauthenticate, "x", method: "OTHER"),
        ] {
            let client = try enter(conversation())
            try client.send(packet)
            #expect(try client.goodbye().reasonCode == .protocolError)
        }
    }
}
