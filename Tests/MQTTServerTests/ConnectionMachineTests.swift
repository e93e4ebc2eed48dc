import MQTTCodec
import Messaging
import NIOCore
import Testing

@testable import MQTTServer

@Suite struct ConnectionMachineTests {
    private static let rules = {
        var configuration = MQTTConfiguration()
        configuration.maximumPacketSize = 1_000
        configuration.receiveMaximum = 2
        configuration.topicAliasMaximum = 3
        return ServerRules(configuration, sessionExpiryMaximum: 60)
    }()
    private var machine = ConnectionMachine(rules: rules)

    private mutating func receive(_ packet: Packet) -> ConnectionAction {
        machine.receive(packet, makeIdentifier: { "made" })
    }

    private mutating func open(_ version: ProtocolVersion = .v5, properties: Properties = []) -> Packet {
        let connect = Connect(version: version, clientIdentifier: "c", properties: properties)
        _ = receive(.connect(connect))
        return machine.opened(Opening(connect: connect, clientIdentifier: "c", keepAlive: 0), sessionPresent: false)
    }

    /// MQTT-3.1.0-1
    @Test mutating func nothingButConnectMayComeFirst() {
        #expect(receive(.pingreq) == .end(goodbye: nil, .lost))
        #expect(machine.state == .over)
        #expect(receive(.pingreq) == .ignore)
    }

    @Test(arguments: ProtocolVersion.allCases, [true, false])
    mutating func aClientWithoutIdentifierIsGivenOneWhereItsVersionAllows(
        _ version: ProtocolVersion, _ cleanStart: Bool
    ) {
        let connect = Connect(version: version, clientIdentifier: "", cleanStart: cleanStart)
        let action = receive(.connect(connect))
        if version == .v5 || (version == .v311 && cleanStart) {
            #expect(action == .open(Opening(connect: connect, clientIdentifier: "made", keepAlive: 0)))
        } else {
            #expect(action == .end(goodbye: .connack(ConnAck(reasonCode: .clientIdentifierNotValid)), .lost))
        }
    }

    @Test mutating func anIdentifierOfAnotherGatewaysDeviceIsRefused() {
        let connect = Connect(version: .v5, clientIdentifier: "lwm2m:ep1", cleanStart: true)
        let refusal = Packet.connack(ConnAck(reasonCode: .clientIdentifierNotValid))
        #expect(receive(.connect(connect)) == .end(goodbye: refusal, .lost))
    }

    @Test mutating func a5ClientIsToldItsLimitsAndItsName() {
        let connect = Connect(version: .v5, clientIdentifier: "", properties: [.sessionExpiryInterval(61)])
        _ = receive(.connect(connect))
        let properties: Properties = [
            .maximumPacketSize(1_000), .receiveMaximum(2), .topicAliasMaximum(3), .sessionExpiryInterval(60),
            .assignedClientIdentifier("made"),
        ]
        let expected = Packet.connack(ConnAck(isSessionPresent: true, properties: properties))
        let opening = Opening(connect: connect, clientIdentifier: "made", keepAlive: 0)
        #expect(machine.opened(opening, sessionPresent: true) == expected)
    }

    @Test(arguments: [
        (ConnectRefusal.badCredentials, ReasonCode.badUserNameOrPassword), (.notAuthorized, .notAuthorized),
        (.quotaExceeded, .quotaExceeded), (.unavailable, .serverUnavailable), (.shuttingDown, .serverUnavailable),
    ])
    mutating func aRefusedClientIsToldWhy(_ refusal: ConnectRefusal, _ code: ReasonCode) {
        _ = receive(.connect(Connect(version: .v311, clientIdentifier: "c")))
        #expect(machine.refused(refusal) == .end(goodbye: .connack(ConnAck(reasonCode: code)), .lost))
    }

    // MARK: Errors

    @Test mutating func malformedBytesAreAnsweredWithTheReasonFrom5On() {
        _ = open()
        let goodbye = Packet.disconnect(
            Disconnect(reasonCode: .malformedPacket, properties: [.reasonString("QoS 3 does not exist")]))
        #expect(machine.receive(.invalidQoS, version: .v5) == .end(goodbye: goodbye, .lost))
    }

    @Test mutating func malformedBytesAreAnsweredByClosingBefore5() {
        _ = open(.v311)
        #expect(machine.receive(.invalidQoS, version: .v311) == .end(goodbye: nil, .lost))
    }

    @Test mutating func aMalformedConnectIsAnsweredInTheVersionItNames() {
        let error = DecodeError.invalidFlags(.connect)
        let goodbye = Packet.connack(ConnAck(reasonCode: .malformedPacket, properties: .reason(error.reasonString)))
        #expect(machine.receive(error, version: .v5) == .end(goodbye: goodbye, .lost))
    }

    @Test(arguments: [(UInt8(2), ProtocolVersion.v311), (6, .v5), (0x83, .v311), (0x84, .v311), (0x85, .v5)])
    mutating func anUnknownVersionIsRefusedInTheNearestShape(_ level: UInt8, _ version: ProtocolVersion) {
        let error = DecodeError.unsupportedProtocolVersion(level)
        let goodbye = Packet.connack(
            ConnAck(
                reasonCode: .unsupportedProtocolVersion,
                properties: version == .v5 ? .reason(error.reasonString) : []))
        let action = machine.receive(error, version: nil)
        #expect(action == .end(goodbye: goodbye, .lost))
        #expect(machine.version == version)
    }

    @Test mutating func packetsOutOfPlaceAreProtocolErrors() {
        _ = open()
        let goodbye = Packet.disconnect(
            Disconnect(reasonCode: .protocolError, properties: [.reasonString("this AUTH may not come here")]))
        let auth = Auth(reasonCode: .reauthenticate, properties: [.authenticationMethod("M")])
        #expect(receive(.auth(auth)) == .end(goodbye: goodbye, .lost))
    }

    @Test mutating func theCoreEndsAConnectionWithItsReason() {
        _ = open()
        let goodbye = Packet.disconnect(Disconnect(reasonCode: .sessionTakenOver))
        #expect(machine.close(ReasonCode(CloseReason.takenOver), detach: .lost) == .end(goodbye: goodbye, .lost))
        #expect(machine.close(.keepAliveTimeout, detach: .lost) == .ignore)
    }

    // MARK: Goodbye

    @Test mutating func onlyTheNormalGoodbyeTakesTheWillBack() {
        _ = open()
        #expect(receive(.disconnect(Disconnect())) == .end(goodbye: nil, .goodbye))
        machine = ConnectionMachine(rules: Self.rules)
        _ = open()
        #expect(
            receive(.disconnect(Disconnect(reasonCode: .disconnectWithWill))) == .end(goodbye: nil, .goodbyeWithWill))
    }

    /// MQTT 5.0, 3.14.2.2.2
    @Test(arguments: [UInt32(0), 30])
    mutating func aSessionExpiryOnGoodbyeIsTakenUnlessItWas0(_ before: UInt32) {
        _ = open(properties: [.sessionExpiryInterval(before)])
        let action = receive(.disconnect(Disconnect(properties: [.sessionExpiryInterval(90)])))
        if before == 0 {
            let why = Properties.reason("a session expiry of 0 cannot be changed")
            #expect(
                action == .end(goodbye: .disconnect(Disconnect(reasonCode: .protocolError, properties: why)), .lost))
        } else {
            #expect(action == .end(goodbye: nil, .goodbye, expiry: SessionExpiryChange(.seconds(90))))
        }
    }

    @Test mutating func theLargestSessionExpiryNeverEnds() {
        _ = open(properties: [.sessionExpiryInterval(30)])
        let action = receive(.disconnect(Disconnect(properties: [.sessionExpiryInterval(.max)])))
        #expect(action == .end(goodbye: nil, .goodbye, expiry: SessionExpiryChange(nil)))
    }

    // MARK: Publishing

    /// MQTT 5.0, 3.3.4
    @Test mutating func moreUnconfirmedPublicationsThanAllowedEndTheConnection() {
        _ = open()
        _ = receive(.publish("a", "", .atLeastOnce, id: 1))
        _ = receive(.publish("a", "", .exactlyOnce, id: 2))
        machine.began(isNew: true)
        let goodbye = Packet.disconnect(Disconnect(reasonCode: .receiveMaximumExceeded))
        #expect(receive(.publish("a", "", .atLeastOnce, id: 3)) == .end(goodbye: goodbye, .lost))
    }

    @Test mutating func confirmationsFreeTheReceiveMaximum() {
        _ = open()
        let accepted = PublishOutcome.accepted(receivers: 1, commit: .none)
        for identifier in [1, 2, 3, 4, 5] as [PacketIdentifier] {
            _ = receive(.publish("a", "", .atLeastOnce, id: identifier))
            #expect(
                machine.published(identifier, at: .atLeastOnce, accepted) == .plain(.puback, identifier))
            _ = receive(.publish("a", "", .exactlyOnce, id: identifier))
            machine.began(isNew: true)
            #expect(
                machine.published(identifier, at: .exactlyOnce, accepted) == .plain(.pubrec, identifier))
            #expect(
                machine.released(identifier, wasKnown: true) == .plain(.pubcomp, identifier))
        }
        #expect(machine.state == .open)
    }

    @Test(arguments: [
        (PublishOutcome.accepted(receivers: 0, commit: .none), ReasonCode.noMatchingSubscribers),
        (.refused(.notAuthorized), .notAuthorized), (.refused(.topicNotAllowed), .topicNameInvalid),
        (.refused(.tooLarge), .quotaExceeded), (.refused(.quotaExceeded), .quotaExceeded),
    ])
    mutating func theBrokersWordOnAPublicationBecomesAReason(_ outcome: PublishOutcome, _ code: ReasonCode) {
        _ = open()
        guard case .packet(.puback(let acknowledgement)) = machine.published(1, at: .atLeastOnce, outcome) else {
            Issue.record("no PUBACK")
            return
        }
        #expect(acknowledgement.reasonCode == code)
    }

    /// Only 5.0 has a word for it (MQTT 5.0, 3.4.2.1).
    @Test(arguments: [ProtocolVersion.v31, .v311])
    mutating func before5NobodyIsToldThatNobodyListens(_ version: ProtocolVersion) {
        _ = open(version)
        let outcome = PublishOutcome.accepted(receivers: 0, commit: .none)
        #expect(machine.published(1, at: .atLeastOnce, outcome) == .plain(.puback, 1))
        #expect(machine.published(2, at: .exactlyOnce, outcome) == .plain(.pubrec, 2))
    }

    @Test mutating func anUnknownReleaseIsCompletedWithItsReason() {
        _ = open()
        let expected = Packet.pubcomp(Acknowledgement(9, reasonCode: .packetIdentifierNotFound))
        #expect(machine.released(9, wasKnown: false) == .packet(expected))
    }

    // MARK: Topic aliases

    @Test mutating func anAliasStandsForTheTopicItWasSetTo() throws {
        _ = open()
        let topic = try TopicName("a/b")
        _ = receive(.publish("a/b", "1", properties: [.topicAlias(3)]))
        let action = receive(.publish("", "2", properties: [.topicAlias(3)]))
        guard case .publish(let publication) = action else {
            Issue.record("not published: \(action)")
            return
        }
        #expect(publication.alias == topic)
    }

    @Test(arguments: [(UInt16(4), "t", ReasonCode.topicAliasInvalid), (2, "", .protocolError)])
    mutating func anAliasBeyondTheMaximumOrNeverSetEndsTheConnection(
        _ alias: UInt16, _ topic: String, _ code: ReasonCode
    ) {
        _ = open()
        let goodbye = Packet.disconnect(Disconnect(reasonCode: code))
        #expect(receive(.publish(topic, "", properties: [.topicAlias(alias)])) == .end(goodbye: goodbye, .lost))
    }

    // MARK: Receiving

    @Test mutating func reportsOnDeliveriesGoToTheSession() {
        _ = open()
        let failed = Acknowledgement(1, reasonCode: .quotaExceeded)
        #expect(receive(.puback(Acknowledgement(1))) == .settle(1, .acknowledged))
        #expect(receive(.puback(failed)) == .settle(1, .refused))
        #expect(receive(.pubrec(Acknowledgement(1))) == .settle(1, .received))
        #expect(receive(.pubrec(failed)) == .settle(1, .refused))
        #expect(receive(.pubcomp(Acknowledgement(1))) == .settle(1, .completed))
    }

    /// MQTT-4.3.3-4
    @Test mutating func aReceptionIsAnsweredWithARelease() {
        _ = open()
        let unknown = Acknowledgement(1, reasonCode: .packetIdentifierNotFound)
        #expect(machine.settled(1, .received, wasKnown: true) == .plain(.pubrel, 1))
        #expect(machine.settled(1, .received, wasKnown: false) == .packet(.pubrel(unknown)))
        #expect(machine.settled(1, .acknowledged, wasKnown: true) == nil)
        #expect(machine.settled(1, .completed, wasKnown: false) == nil)
    }
}
