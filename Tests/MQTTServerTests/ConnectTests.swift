import MQTTCodec
import Messaging
import NIOCore
import NIOEmbedded
import TestKit
import Testing

@testable import MQTTServer

@Suite struct ConnectTests {
    @Test(arguments: ProtocolVersion.allCases)
    func aClientIsLetIn(_ version: ProtocolVersion) throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(version)
        try client.send(.pingreq)
        #expect(try client.receive() == [.pingresp])
        #expect(conversation.broker.session("client")?.isAttached == true)
    }

    @Test func whatConnectSaysReachesTheBroker() throws {
        let conversation = Conversation()
        let client = try conversation.client(.v5)
        let will = Connect.Will(
            topic: "gone", payload: ByteBuffer(string: "bye"), qos: .atLeastOnce, isRetained: true,
            properties: [.willDelayInterval(5), .messageExpiryInterval(60), .contentType("text/plain")])
        try client.send(
            .connect(
                Connect(
                    version: .v5, clientIdentifier: "dev", cleanStart: false, keepAlive: 10,
                    properties: [.sessionExpiryInterval(3_600), .receiveMaximum(7)], will: will, userName: "u",
                    password: MQTTCodec.Secret(ByteBuffer(string: "p")))))
        let request = try #require(conversation.broker.connectRequests.first)
        #expect(request.credentials.clientID == ClientID("dev"))
        #expect(request.credentials.username == "u")
        #expect(request.credentials.password?.octets == Array("p".utf8))
        #expect(request.credentials.peer.listener == "mqtt.tcp")
        #expect(!request.options.cleanStart)
        #expect(request.options.expiry == .seconds(3_600))
        #expect(request.options.receiveMaximum == 7)
        #expect(request.options.silence == .seconds(15))
        let kept = try #require(request.options.will)
        #expect(kept.topic.string == "gone")
        #expect(kept.qos == .atLeastOnce)
        #expect(kept.retain)
        #expect(kept.delay == .seconds(5))
        #expect(kept.messageExpiry == .seconds(60))
        #expect(kept.properties?.contentType == "text/plain")
    }

    @Test(arguments: [(true, Duration?.some(.zero)), (false, nil)])
    func before5ACleanSessionEndsWithItsConnection(_ isClean: Bool, _ expiry: Duration?) throws {
        let conversation = Conversation()
        _ = try conversation.connectedClient(.v311, cleanStart: isClean)
        #expect(conversation.broker.connectRequests.first?.options.expiry == expiry)
    }

    @Test func aSessionIsResumedWithWhatWaited() throws {
        let conversation = Conversation()
        let first = try conversation.connectedClient(.v311, id: "dev", cleanStart: false)
        try first.subscribe("a", .atLeastOnce)
        first.cut()
        try conversation.broker.publish("a", Array("x".utf8), qos: .atLeastOnce)
        let second = try conversation.client(.v311)
        try second.send(.connect(Connect(version: .v311, clientIdentifier: "dev", cleanStart: false)))
        #expect(
            try second.receive() == [
                .connack(ConnAck(isSessionPresent: true)), .publish("a", "x", .atLeastOnce, id: 1),
            ])
    }

    /// MQTT-3.1.4-3
    @Test(arguments: [ProtocolVersion.v311, .v5])
    func aSecondConnectionTakesTheSessionOver(_ version: ProtocolVersion) throws {
        let conversation = Conversation()
        let first = try conversation.connectedClient(version)
        let second = try conversation.connectedClient(version)
        #expect(
            try first.receive()
                == (version == .v5 ? [.disconnect(Disconnect(reasonCode: .sessionTakenOver))] : []))
        #expect(first.isClosed)
        try second.send(.pingreq)
        #expect(try second.receive() == [.pingresp])
        #expect(conversation.broker.session("client")?.isAttached == true)
    }

    @Test func whatIsSentBeforeTheBrokerDecidesIsServedAfterwards() throws {
        let conversation = Conversation()
        conversation.broker.parkConnects()
        let client = try conversation.client()
        try client.send(
            .connect(Connect(version: .v5, clientIdentifier: "c")), .publish("a", "x", .atLeastOnce, id: 1))
        try client.send(.pingreq)
        #expect(try client.receive() == [])
        #expect(conversation.broker.published.isEmpty)
        conversation.broker.releaseConnects()
        let types = try client.receive().map(\.type)
        #expect(types == [.connack, .puback, .pingresp])
    }

    @Test func aConnectionThatBreaksWhileTheBrokerDecidesLeavesNoSessionAttached() throws {
        let conversation = Conversation()
        conversation.broker.parkConnects()
        let client = try conversation.client(.v311)
        try client.send(.connect(Connect(version: .v311, clientIdentifier: "c", cleanStart: false)))
        client.cut()
        conversation.broker.releaseConnects()
        conversation.eventLoop.run()
        #expect(conversation.broker.session("c")?.isAttached == false)
    }

    @Test(arguments: ProtocolVersion.allCases) func aRefusedClientIsToldAndClosed(_ version: ProtocolVersion) throws {
        let conversation = Conversation()
        conversation.broker.refuseConnects(.badCredentials)
        let client = try conversation.client(version)
        try client.send(.connect(Connect(version: version, clientIdentifier: "c")))
        #expect(try client.receive() == [.connack(ConnAck(reasonCode: .badUserNameOrPassword))])
        #expect(client.isClosed)
    }

    @Test func aSilentConnectionIsClosedBeforeConnect() throws {
        let conversation = Conversation { $0.connectTimeout = .seconds(10) }
        let client = try conversation.client()
        let other = try conversation.connectedClient()
        conversation.eventLoop.advanceTime(by: .seconds(11))
        #expect(client.isClosed)
        #expect(!other.isClosed)
        #expect(conversation.server.counters.connectTimeouts.current == 1)
    }

    /// MQTT-3.1.2-22 (MQTT 3.1.1, MQTT-3.1.2-24)
    @Test(arguments: [ProtocolVersion.v311, .v5])
    func aClientSilentForOneAndAHalfKeepAlivesIsDisconnected(_ version: ProtocolVersion) throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(version, keepAlive: 10)
        conversation.broker.advance(by: .seconds(14))
        try client.send(.pingreq)
        conversation.broker.advance(by: .seconds(14))
        #expect(try client.receive() == [.pingresp])
        conversation.broker.advance(by: .seconds(2))
        let goodbye = Packet.disconnect(Disconnect(reasonCode: .keepAliveTimeout))
        #expect(try client.receive() == (version == .v5 ? [goodbye] : []))
        #expect(client.isClosed)
    }

    @Test func theWillIsPublishedWhenTheConnectionBreaksAndNotAfterGoodbye() throws {
        let conversation = Conversation()
        let will = Connect.Will(topic: "will", payload: ByteBuffer(string: "w"))
        try conversation.connectedClient(id: "polite", will: will).send(.disconnect(Disconnect()))
        #expect(conversation.broker.published.isEmpty)
        try conversation.connectedClient(id: "lost", will: will).cut()
        #expect(conversation.broker.published.map(\.topic.string) == ["will"])
        let rude = try conversation.connectedClient(id: "rude", will: will)
        try rude.send(ByteBuffer(bytes: [0x00, 0x00]))
        #expect(conversation.broker.published.count == 2)
        #expect(rude.isClosed)
    }

    @Test func connectionsBeyondTheLimitAreCounted() {
        let server = Conversation { $0.maximumConnections = 2 }.server
        #expect(server.admit())
        #expect(server.admit())
        #expect(!server.admit())
        server.leave()
        #expect(server.admit())
        #expect(server.counters.connectionsOverLimit.current == 1)
    }

    @Test func aStoppingGatewaySaysGoodbyeAndKeepsTheWill() throws {
        let conversation = Conversation()
        let will = Connect.Will(topic: "will", payload: ByteBuffer(string: "w"))
        let client = try conversation.connectedClient(will: will)
        client.handler.shutDown()
        #expect(try client.receive() == [.disconnect(Disconnect(reasonCode: .serverShuttingDown))])
        #expect(client.isClosed)
        #expect(conversation.broker.published.isEmpty)
    }

    /// The other connection's close may arrive before the word that this one was let in.
    @Test func aClientTakenOverBeforeItsWelcomeHearsBoth() throws {
        let conversation = Conversation()
        conversation.broker.parkConnects()
        let client = try conversation.client()
        try client.send(.connect(Connect(version: .v5, clientIdentifier: "c")))
        client.handler.closedByCore(.takenOver)
        #expect(try client.receive() == [])
        conversation.broker.releaseConnects()
        let answers = try client.receive()
        #expect(answers.map(\.type) == [.connack, .disconnect])
        #expect(answers.last == .disconnect(Disconnect(reasonCode: .sessionTakenOver)))
        #expect(client.isClosed)
    }

    /// MQTT-3.1.2-21
    @Test(arguments: [(UInt16(0), UInt16?.some(30)), (60, 30), (30, nil), (10, nil)])
    func theLongestKeepAliveHoldsAndIsTold(_ asked: UInt16, _ told: UInt16?) throws {
        let conversation = Conversation { $0.maximumKeepAlive = 30 }
        let client = try conversation.client()
        try client.send(.connect(Connect(version: .v5, clientIdentifier: "c", keepAlive: asked)))
        let answer = try client.welcome()
        #expect(answer.properties.serverKeepAlive == told)
        let silence = conversation.broker.connectRequests.first?.options.silence
        #expect(silence == .milliseconds(1_500 * Int(told ?? asked)))
    }

    /// It cannot be told another; when its own is longer, TCP asks its host.
    @Test(arguments: [(UInt16(60), true), (0, true), (30, false), (10, false)])
    func anOlderClientKeepsItsKeepAlive(_ asked: UInt16, _ isProbed: Bool) throws {
        let conversation = Conversation { $0.maximumKeepAlive = 30 }
        let client = try conversation.connectedClient(.v311, keepAlive: asked)
        let silence = conversation.broker.connectRequests.first?.options.silence
        #expect(silence == (asked == 0 ? nil : .milliseconds(1_500 * Int(asked))))
        let isSet = client.channel.options.contains {
            $0.option is ChannelOptions.Types.SocketOption && $0.value as? Int == 1
        }
        #expect(isSet == isProbed)
    }

    /// MQTT-3.1.2-28
    @Test(arguments: [true, false])
    func responseInformationIsGivenToThoseWhoAsk(_ asks: Bool) throws {
        let conversation = Conversation { $0.responseInformation = "answers/%c" }
        let client = try conversation.client()
        let properties: Properties = asks ? [.requestResponseInformation(true)] : []
        try client.send(.connect(Connect(version: .v5, clientIdentifier: "me", properties: properties)))
        let answer = try client.welcome()
        #expect(answer.properties.responseInformation == (asks ? "answers/me" : nil))
    }

    @Test func aClientIdentifierThatFillsItsStringLeavesNoRoomForResponseInformation() throws {
        let conversation = Conversation { $0.responseInformation = "answers/%c" }
        let client = try conversation.client()
        let identifier = String(repeating: "x", count: 65_535)
        let properties: Properties = [.requestResponseInformation(true)]
        try client.send(.connect(Connect(version: .v5, clientIdentifier: identifier, properties: properties)))
        let answer = try client.welcome()
        #expect(answer.reasonCode == .success)
        #expect(answer.properties.responseInformation == nil)
    }

    @Test(arguments: [
        (ProtocolVersion.v5, false, ReasonCode.useAnotherServer), (.v5, true, .serverMoved),
        (.v311, true, .serverUnavailable),
    ])
    func clientsAreSentElsewhere(_ version: ProtocolVersion, _ isPermanent: Bool, _ code: ReasonCode) throws {
        let conversation = Conversation {
            $0.redirection = Redirection(reference: "other:1883", isPermanent: isPermanent)
        }
        let client = try conversation.client(version)
        try client.send(.connect(Connect(version: version, clientIdentifier: "c")))
        let properties: Properties = version == .v5 ? [.serverReference("other:1883")] : []
        #expect(try client.receive() == [.connack(ConnAck(reasonCode: code, properties: properties))])
        #expect(client.isClosed)
        #expect(conversation.server.counters.redirections.current == 1)
    }

    // MARK: 3.1

    @Test func in31ARefusedSubscriptionIsGrantedTheLeast() throws {
        let conversation = Conversation()
        conversation.broker.forbid("secret")
        let client = try conversation.connectedClient(.v31)
        try client.send(.subscribe(1, ("secret", .exactlyOnce), ("a", .atLeastOnce)))
        #expect(try client.receive() == [.suback(SubAck(1, reasonCodes: [.grantedQoS0, .grantedQoS1]))])
        #expect(conversation.broker.session("client")?.filters == ["a"])
        #expect(conversation.server.counters.subscriptionsRefused.current == 1)
    }

    @Test func in31AUserNameThatIsAnnouncedMayBeMissing() throws {
        let conversation = Conversation()
        let client = try conversation.client(.v31)
        let connect = octets(hex: "10 0f 00 06 4d 51 49 73 64 70 03 c2 00 3c 00 01 63") ?? []
        try client.send(ByteBuffer(bytes: connect))
        #expect(try client.receive() == [.connack(ConnAck())])
        #expect(conversation.broker.connectRequests.first?.credentials.username == nil)
    }

    // MARK: Identifiers, wills, refusals

    /// MQTT-3.1.3-5; the 23 characters of 3.1 are no bound here.
    @Test(arguments: ProtocolVersion.allCases, [1, 23, 24, 65_535])
    func identifiersOfEveryLengthAreLetIn(_ version: ProtocolVersion, _ length: Int) throws {
        let letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        let identifier = String(String(repeating: letters, count: length / letters.count + 1).prefix(length))
        let conversation = Conversation()
        _ = try conversation.connectedClient(version, id: identifier)
        #expect(conversation.broker.session(identifier)?.isAttached == true)
    }

    /// MQTT-3.1.4-6 (MQTT 3.1.1, MQTT-3.1.4-5)
    @Test(arguments: [ProtocolVersion.v311, .v5])
    func whatARefusedClientSentIsNotServed(_ version: ProtocolVersion) throws {
        let conversation = Conversation()
        conversation.broker.refuseConnects(.notAuthorized)
        let client = try conversation.client(version)
        try client.send(
            .connect(Connect(version: version, clientIdentifier: "c")), .publish("a", "x", .atLeastOnce, id: 1),
            .pingreq)
        #expect(try client.receive() == [.connack(ConnAck(reasonCode: .notAuthorized))])
        #expect(conversation.broker.published.isEmpty)
    }

    /// MQTT-3.3.2-7
    @Test func aliasesEndWithTheirConnection() throws {
        let conversation = Conversation()
        let first = try conversation.connectedClient()
        try first.send(.publish("topic", "1", properties: [.topicAlias(1)]))
        first.cut()
        let second = try conversation.connectedClient()
        try second.send(.publish("", "2", properties: [.topicAlias(1)]))
        #expect(try second.goodbye().reasonCode == .protocolError)
        #expect(conversation.broker.published.count == 1)
    }

    /// MQTT-3.1.3-10
    @Test func theUserPropertiesOfAWillKeepTheirOrder() throws {
        let conversation = Conversation()
        let pairs = [("b", "1"), ("a", "2"), ("b", "3")]
        let will = Connect.Will(
            topic: "w", payload: ByteBuffer(),
            properties: pairs.reduce(into: Properties()) { $0.append(.userProperty(name: $1.0, value: $1.1)) })
        _ = try conversation.connectedClient(will: will)
        let kept = conversation.broker.connectRequests.first?.options.will?.properties?.userProperties
        #expect(kept == pairs.map { UserProperty(name: $0.0, value: $0.1) })
    }
}
