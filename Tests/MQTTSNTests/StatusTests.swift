import BrokerCore
import Foundation
import Messaging
import TestKit
import Testing

@testable import MQTTSN

/// What an operator sees of single clients.
@Suite("Client status")
struct StatusTests {
    private struct Status: Decodable, Equatable {
        struct Backlog: Decodable, Equatable {
            var messages: Int?
            var bytes: Int?
            var oldest: Int?
            var dropped: Int?
            var reasons: [String: Int]?
        }

        struct Rejection: Decodable, Equatable {
            var answer: String
            var return_code: Int
        }

        var state: String
        var sleep: Int?
        var next_wake: Int?
        var missed_wakes: Int?
        var backlog: Backlog?
        var retransmissions: Int?
        var roams: Int?
        var last_rejection: Rejection?
    }

    private static let connect: [UInt8] = [0x08, 0x04, 0x04, 0x01, 0x00, 0x3C, 0x63, 0x31]
    private static let subscribe: [UInt8] = [0x08, 0x12, 0x20, 0x00, 0x02, 0x61, 0x2F, 0x62]
    private static let sleep: [UInt8] = [0x04, 0x18, 0x00, 0x3C]
    private static let wake: [UInt8] = [0x04, 0x16, 0x63, 0x31]

    private func status(_ clientID: String, _ stage: SocketStage) throws -> Status? {
        guard let topic = ClientStatus.topic(of: ClientID(clientID)),
            let message = stage.broker.retainedMessage(of: topic, as: .gateway)
        else { return nil }
        return try JSONDecoder().decode(Status.self, from: Data(message.payload))
    }

    @Test func ofASleeperTellsItsNextWakeItsBacklogAndThatItIsLate() async throws {
        try await SocketStage.with(MQTTSNSettings()) { stage in
            try stage.send(Self.connect, from: "C")
            try stage.send(Self.subscribe, from: "C")
            try stage.send(Self.sleep, from: "C")
            let wakeAt = Int((stage.clock.wallClock() + .seconds(60)).components.seconds)
            try await stage.wait(.seconds(1))
            #expect(try status("c1", stage)?.state == "asleep")
            #expect(try status("c1", stage)?.next_wake == wakeAt)
            let publishedAt = Int(stage.clock.wallClock().components.seconds)
            for payload in UInt8(1)...2 { try stage.publish("a/b", [payload], .atLeastOnce, retain: false) }
            try await stage.wait(.seconds(3))
            #expect(
                try status("c1", stage)?.backlog
                    == Status.Backlog(messages: 2, bytes: 8, oldest: publishedAt))
            try await stage.wait(.seconds(60))
            #expect(try status("c1", stage)?.missed_wakes == 1)
            #expect(try status("c1", stage)?.next_wake == nil)
            #expect(stage.events.all.contains(.late(ClientID("c1"))))
            try stage.send(Self.wake, from: "C2")
            try await stage.wait(.seconds(15))
            #expect(try status("c1", stage)?.state == "awake")
            #expect(try status("c1", stage)?.roams == 1)
            #expect(try status("c1", stage)?.retransmissions == 1)
            #expect(stage.events.all.contains { if case .roamed(ClientID("c1"), _, _) = $0 { true } else { false } })
        }
    }

    @Test func ofAClientThatHasLeftForGoodIsTakenAway() async throws {
        try await SocketStage.with(MQTTSNSettings()) { stage in
            try stage.send(Self.connect, from: "C")
            try await stage.wait(.seconds(1))
            #expect(try status("c1", stage)?.state == "active")
            try stage.send([0x02, 0x18], from: "C")
            try await stage.wait(.seconds(1))
            #expect(try status("c1", stage) == nil)
        }
    }

    @Test func ofALostClientStaysAsLongAsItsSession() async throws {
        var settings = MQTTSNSettings()
        settings.sessionExpiry = .seconds(600)
        try await SocketStage.with(settings) { stage in
            try stage.send([0x08, 0x04, 0x00, 0x01, 0x00, 0x0A, 0x63, 0x31], from: "C")
            try await stage.wait(.seconds(17))
            #expect(try status("c1", stage)?.state == "lost")
            #expect(stage.events.all.contains(.closed(ClientID("c1"), .silence)))
            try await stage.wait(.seconds(600))
            #expect(try status("c1", stage) == nil)
        }
    }

    @Test func tellsTheLastRejectionAndThatIDsAreUsedUp() async throws {
        var limits = BrokerLimits()
        limits.topicIDsPerSession = 1
        try await SocketStage.with(MQTTSNSettings(), limits: limits) { stage in
            try stage.send(Self.connect, from: "C")
            try stage.send([0x07, 0x0A, 0, 0, 0, 1, 0x61], from: "C")
            try stage.send([0x07, 0x0A, 0, 0, 0, 2, 0x62], from: "C")
            try await stage.wait(.seconds(1))
            #expect(try status("c1", stage)?.last_rejection == Status.Rejection(answer: "regack", return_code: 1))
            #expect(stage.events.all.contains(.topicIDsExhausted(ClientID("c1"))))
        }
    }

    @Test("58: an overflow is told once") func overflow() async throws {
        var settings = MQTTSNSettings()
        settings.mailbox = MailboxLimits()
        settings.mailbox?.offlineMessages = 2
        try await SocketStage.with(settings) { stage in
            try stage.send(Self.connect, from: "C")
            try stage.send(Self.subscribe, from: "C")
            try stage.send(Self.sleep, from: "C")
            for payload in UInt8(1)...5 { try stage.publish("a/b", [payload], .atLeastOnce, retain: false) }
            try await stage.wait(.seconds(3))
            #expect(try status("c1", stage)?.backlog?.dropped == 3)
            #expect(try status("c1", stage)?.backlog?.reasons == ["mailbox_full": 3])
            #expect(stage.events.all.count { $0 == .dropping(ClientID("c1"), .mailboxFull) } == 1)
        }
    }

    @Test(arguments: [("c1", "c1"), ("a/b", "a%2Fb"), ("+", "%2B"), ("#%", "%23%25")])
    func standsUnderOneLevelWhateverTheClientID(clientID: String, level: String) {
        #expect(ClientStatus.topic(of: ClientID(clientID))?.string == "$SYS/broker/mqttsn/clients/\(level)")
    }
}
