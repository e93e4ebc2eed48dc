import BrokerCore
import Logging
import Messaging
import NIOCore
import TestKit
import Testing
import Transport

@testable import MQTTSN

/// A client that sleeps through the end of the gateway wakes as if nothing had been (MQTT-SN 6.14).
@Suite struct SleeperRestartTests {
    private static let connect: [UInt8] = [0x08, 0x04, 0x00, 0x01, 0x00, 0x3C, 0x63, 0x31]
    private static let wake: [UInt8] = [0x04, 0x16, 0x63, 0x31]
    private static let pingresp: [UInt8] = [0x02, 0x17]
    private static let goodbye: [UInt8] = [0x02, 0x18]

    /// c1 subscribes to "ab" at QoS 1 and sleeps for 61 s.
    private func sleeper(_ stage: RestartStage, connect: [UInt8] = Self.connect) {
        _ = stage.exchange(connect)
        _ = stage.exchange([0x07, 0x12, 0x22, 0x00, 0x02, 0x61, 0x62])
        #expect(stage.exchange([0x04, 0x18, 0x00, 0x3D]) == [Self.goodbye])
    }

    @Test(arguments: [true, false])
    func aSleeperIsWokenWithoutConnecting(isCrash: Bool) throws {
        let stage = try RestartStage()
        sleeper(stage)
        try stage.publish("ab", [0x68])
        try stage.restart(isCrash: isCrash)
        #expect(stage.reading("sleepers_resumed") == 1)
        #expect(stage.exchange(Self.wake) == [[0x08, 0x0C, 0x22, 0x61, 0x62, 0x00, 0x01, 0x68]])
        #expect(stage.exchange([0x07, 0x0D, 0x61, 0x62, 0x00, 0x01, 0x00]) == [Self.pingresp])
        // It fell asleep again, and also that is known to the next process.
        try stage.restart(isCrash: isCrash)
        #expect(stage.exchange(Self.wake) == [Self.pingresp])
    }

    /// Each match is named as the subscription named it, and normal ids mean what they did (MQTT-SN 6.5, 6.9).
    @Test func whatTopicsAreCalledIsKnownAgain() throws {
        let stage = try RestartStage()
        _ = stage.exchange(Self.connect)
        #expect(
            stage.exchange([0x07, 0x12, 0x21, 0x00, 0x02, 0x00, 0x01]) == [
                [0x08, 0x13, 0x20, 0x00, 0x01, 0x00, 0x02, 0x00]
            ])
        #expect(
            stage.exchange([0x08, 0x12, 0x20, 0x00, 0x03, 0x61, 0x2F, 0x62])
                == [[0x08, 0x13, 0x20, 0x00, 0x01, 0x00, 0x03, 0x00]])
        _ = stage.exchange([0x04, 0x18, 0x00, 0x3D])
        try stage.restart()
        for topic in ["fixed/one", "a/b"] { try stage.publish(topic, [0x68]) }
        #expect(stage.exchange(Self.wake) == [[0x08, 0x0C, 0x21, 0x00, 0x01, 0x00, 0x01, 0x68]])
        #expect(
            stage.exchange([0x07, 0x0D, 0x00, 0x01, 0x00, 0x01, 0x00])
                == [[0x08, 0x0C, 0x20, 0x00, 0x01, 0x00, 0x02, 0x68]])
        #expect(stage.exchange([0x07, 0x0D, 0x00, 0x01, 0x00, 0x02, 0x00]) == [Self.pingresp])
    }

    /// Its PUBREC was lost together with the gateway (MQTT-SN 6.13).
    @Test func whatItPublishesAgainAtQoS2IsPublishedOnce() throws {
        let stage = try RestartStage()
        sleeper(stage)
        let pubrec: [UInt8] = [0x04, 0x0F, 0x00, 0x09]
        #expect(stage.exchange([0x08, 0x0C, 0x42, 0x61, 0x62, 0x00, 0x09, 0x68]) == [pubrec])
        try stage.restart()
        #expect(stage.exchange([0x08, 0x0C, 0xC2, 0x61, 0x62, 0x00, 0x09, 0x68]) == [pubrec])
        #expect(stage.exchange([0x04, 0x10, 0x00, 0x09]) == [[0x04, 0x0E, 0x00, 0x09]])
        #expect(stage.exchange(Self.wake) == [[0x08, 0x0C, 0x22, 0x61, 0x62, 0x00, 0x01, 0x68]])
        #expect(stage.exchange([0x07, 0x0D, 0x61, 0x62, 0x00, 0x01, 0x00]) == [Self.pingresp])
    }

    @Test func itIsLateAndLostAtTheTimesItAnnounced() throws {
        let stage = try RestartStage()
        _ = stage.exchange([0x08, 0x04, 0x08, 0x01, 0x00, 0x3C, 0x63, 0x31])
        _ = stage.exchange([0x05, 0x07, 0x00, 0x77, 0x74])
        _ = stage.exchange([0x02, 0x09])
        _ = stage.exchange([0x04, 0x18, 0x00, 0x3D])
        stage.advance(.seconds(40))
        try stage.restart()
        stage.advance(.milliseconds(20_900))
        #expect(stage.reading("wakes_missed") == 0)
        stage.advance(.milliseconds(200))
        #expect(stage.reading("wakes_missed") == 1)
        #expect(stage.events.all.contains(.late(ClientID("c1"))))
        stage.advance(.milliseconds(5_900))
        #expect(stage.wills == 0)
        stage.advance(.milliseconds(200))
        #expect(stage.wills == 1 && stage.reading("clients_lost") == 1)
        try stage.restart()
        #expect(stage.reading("sleepers_resumed") == 0)
    }

    @Test func itMayWakeFromWhereItCouldBefore() throws {
        let stage = try RestartStage()
        sleeper(stage)
        try stage.restart()
        #expect(stage.exchange(Self.wake, from: "192.0.2.2") == [Self.goodbye])
        #expect(stage.exchange(Self.wake, port: 10_002) == [Self.pingresp])
        // Where it woke is where it is from now on, also for the next process.
        try stage.restart()
        #expect(stage.exchange([0x02, 0x16], port: 10_002) == [Self.pingresp])
    }

    @Test func whoConnectedSaidGoodbyeOrKeepsNoSessionSleepsNoMore() throws {
        for last in [Self.connect, [0x02, 0x18]] {
            let stage = try RestartStage()
            sleeper(stage)
            _ = stage.exchange(last)
            try stage.restart()
            #expect(stage.reading("sleepers_resumed") == 0)
            #expect(stage.exchange(Self.wake) == [Self.goodbye])
            #expect(try stage.store.load().items.isEmpty)
        }
        let stage = try RestartStage()
        sleeper(stage, connect: [0x08, 0x04, 0x04, 0x01, 0x00, 0x3C, 0x63, 0x31])
        #expect(try stage.store.load().items.isEmpty)
    }

    /// What was proved by a password cannot be proved to the next process by sleeping.
    @Test func whoseRightsHaveEndedHasToConnect() throws {
        let stage = try RestartStage()
        sleeper(stage)
        stage.access.holds = false
        try stage.restart()
        #expect(stage.reading("sleepers_resumed") == 0)
        #expect(stage.exchange(Self.wake) == [Self.goodbye])
    }

    @Test func aClientOfADTLSSessionIsNotWokenWithoutOne() throws {
        let proven = Association(number: 7, identity: .proven(userName: "u", clientIdentifier: "c1"))
        let stage = try RestartStage()
        _ = stage.exchange(Self.connect, by: proven)
        _ = stage.exchange([0x04, 0x18, 0x00, 0x3D], by: proven)
        try stage.restart()
        #expect(stage.reading("sleepers_resumed") == 1)
        #expect(stage.exchange(Self.wake) == [Self.goodbye])
        let stranger = Association(number: 1, identity: .none)
        #expect(stage.exchange(Self.wake, port: 10_003, by: stranger) == [Self.goodbye])
        let again = Association(number: 2, identity: .proven(userName: "u", clientIdentifier: "c1"))
        #expect(stage.exchange(Self.wake, from: "192.0.2.9", by: again) == [Self.pingresp])
    }

    @Test func aSleeperOf20IsAskedForItsMessages() throws {
        var settings = MQTTSNSettings.quiet
        settings.speaksDraft = true
        let stage = try RestartStage(settings)
        // Session expiry 3,600 s, one message in each waking.
        _ = stage.exchange([
            0x11, 0x01, 0x18, 0x00, 0x01, 0x02, 0x00, 0x3C, 0x00, 0x00, 0x01, 0x00, 0x00, 0x0E, 0x10, 0x63, 0x31,
        ])
        _ = stage.exchange([0x08, 0x08, 0x23, 0x00, 0x02, 0x61, 0x2F, 0x62])
        #expect(
            stage.exchange([0x09, 0x13, 0x01, 0x00, 0x03, 0x00, 0x00, 0x00, 0x3C]) == [[0x05, 0x14, 0x00, 0x00, 0x03]])
        for payload in [0x61, 0x62] as [UInt8] { try stage.publish("a/b", [payload]) }
        try stage.restart()
        #expect(stage.exchange([0x04, 0x0C, 0x00, 0x04]) == [[0x08, 0x03, 0x20, 0x00, 0x01, 0x00, 0x01, 0x61]])
        #expect(stage.exchange([0x04, 0x04, 0x00, 0x01]) == [[0x05, 0x0D, 0x00, 0x04, 0x01]])
        // Who stays awake is a connected client, which a restart disconnects.
        _ = stage.exchange([0x02, 0x15])
        try stage.restart()
        #expect(stage.reading("sleepers_resumed") == 0)
    }
}

@Suite struct KeptSleeperTests {
    private static func peers() throws -> [PeerAddress] {
        let remote = try SocketAddress(ipAddress: "2001:db8::7", port: 40_000)
        let named = Association(number: 0, identity: .proven(userName: nil, clientIdentifier: "c1"))
        return [
            PeerAddress(remote: remote, nodeID: nil),
            PeerAddress(remote: remote, nodeID: ByteBuffer(bytes: [1, 2, 3]), forwarding: .v20),
            PeerAddress(remote: remote, nodeID: nil, association: Association(number: 0, identity: .none)),
            PeerAddress(remote: remote, nodeID: nil, association: named),
        ]
    }

    private func machine(isDraft: Bool) -> ConnectionMachine {
        let connect = Packet.Connect(will: false, cleanSession: false, duration: 60, clientID: "c1")
        let draft = Packet.ConnectDraft(
            cleanStart: false, mayChangeAddress: true, messageID: 1, keepAlive: 60, maximumPacketSize: 100,
            awakeMessages: 3, sessionExpiry: 60, will: nil,
            authentication: Packet.Authentication(method: "MQTT-BASIC", data: ByteBuffer(string: "secret")),
            clientID: "")
        return ConnectionMachine(
            connect, policy: SessionPolicy(.quiet, .standard, isDraft ? .v20 : .v12),
            draft: isDraft ? DraftTerms(draft, assignedClientID: "c1", will: nil) : nil)
    }

    @Test(arguments: [false, true])
    func whatIsReadIsWhatWasWritten(isDraft: Bool) throws {
        for peer in try Self.peers() {
            let kept = KeptSleeper(machine(isDraft: isDraft), at: peer)
            let read = try #require(KeptSleeper(kept.octets, limits: MQTTSNSettings.quiet.limits))
            #expect(read == kept && read.connect.clientID == "c1")
            #expect(read.peer.association?.identity == peer.association?.identity)
            #expect(read.draft?.authentication == nil)
        }
    }

    @Test(arguments: [false, true])
    func whatIsCutShortIsNothing(isDraft: Bool) throws {
        for peer in try Self.peers() {
            let octets = KeptSleeper(machine(isDraft: isDraft), at: peer).octets
            for count in 0..<octets.count {
                #expect(KeptSleeper(Array(octets.prefix(count)), limits: MQTTSNSettings.quiet.limits) == nil)
            }
        }
    }
}
