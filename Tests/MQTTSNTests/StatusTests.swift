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

    private static let status = "$SYS/broker/mqttsn/clients/"

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

    /// They are no retained messages of the broker's, but nobody can tell.
    @Test func isReadAndCountedLikeRetainedMessages() async throws {
        try await SocketStage.with(MQTTSNSettings()) { stage in
            try stage.send(Self.connect, from: "C")
            try stage.send([0x09, 0x04, 0x04, 0x01, 0x00, 0x3C, 0x63, 0x2F, 0x32], from: "D")
            try await stage.wait(.seconds(1))
            func topics(_ filter: String, limit: Int = 10) throws -> [String] {
                stage.broker.retainedMessages(matching: try TopicFilter(filter), limit: limit, as: .gateway)
                    .map(\.topic.string).filter { $0 != "\(Self.status)~" }.sorted()
            }
            let both = [Self.status + "c%2F2", Self.status + "c1"]
            for filter in ["$SYS/#", "$SYS/broker/mqttsn/clients/+", "$SYS/+/mqttsn/+/#"] {
                #expect(try topics(filter) == both)
            }
            #expect(try topics(Self.status + "c%2F2") == [Self.status + "c%2F2"])
            for filter in ["#", "$SYS/broker/mqttsn/clients", "$SYS/broker/+", "$SYS/broker/mqttsn/+/x/#"] {
                #expect(try topics(filter) == [])
            }
            #expect(
                stage.broker.retainedMessages(matching: try TopicFilter("$SYS/#"), limit: 2, as: .gateway).count == 2)
            let all = stage.broker.retainedMessages(matching: try TopicFilter("$SYS/#"), limit: 10, as: .gateway)
            #expect(all.allSatisfy { $0.retain })
            let statistics = stage.broker.statistics()
            #expect(statistics.retainedMessages == 3)
            #expect(statistics.retainedOctets == all.reduce(0) { $0 + $1.octets })
        }
    }

    @Test func reachesWhoSubscribesBeforeAndAfterwards() async throws {
        try await SocketStage.with(MQTTSNSettings()) { stage in
            // SUBSCRIBE to all at QoS 0; the stage's own client is one of them.
            let subscribe: [UInt8] = [0x05 + 28, 0x12, 0x00, 0x00, 0x02] + Array("\(Self.status)+".utf8)
            try stage.send(Self.connect, from: "C")
            try await stage.wait(.seconds(2))
            try stage.send(subscribe, from: "C")
            var texts = try Self.payloads(to: "C", stage)
            #expect(texts.count == 2 && texts.allSatisfy { $0.contains(#""state":"active""#) })
            try stage.send([0x08, 0x04, 0x04, 0x01, 0x00, 0x3C, 0x63, 0x32], from: "D")
            try await stage.wait(.seconds(2))
            texts = try Self.payloads(to: "C", stage)
            #expect(texts.count == 1 && texts.allSatisfy { $0.contains(#""state":"active""#) })
            try stage.send([0x02, 0x18], from: "D")
            try await stage.wait(.seconds(2))
            #expect(try Self.payloads(to: "C", stage) == [""])
        }
    }

    /// What a client is sent, each name acknowledged.
    private static func payloads(to client: String, _ stage: SocketStage) throws -> [String] {
        var texts: [String] = []
        while let octets = try stage.next(for: client) {
            switch octets[1] {
            case 0x0A: try stage.send([0x07, 0x0B] + octets[2..<6] + [0x00], from: client)
            case 0x0C: texts.append(String(decoding: octets.dropFirst(7), as: UTF8.self))
            default: break
            }
        }
        return texts
    }

    @Test(arguments: [("c1", "c1"), ("a/b", "a%2Fb"), ("+", "%2B"), ("#%", "%23%25")])
    func standsUnderOneLevelWhateverTheClientID(clientID: String, level: String) throws {
        let topic = try #require(ClientStatus.topic(of: ClientID(clientID)))
        #expect(topic.string == "$SYS/broker/mqttsn/clients/\(level)")
        #expect(ClientStatus.clientID(of: topic) == ClientID(clientID))
    }
}
