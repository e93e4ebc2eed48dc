import Messaging
import NIOCore
import TestKit
import Testing

@testable import MQTTSN

/// What scripts cannot show of 2.0: what happens by chance, and where datagrams go.
@Suite("MQTT-SN 2.0")
struct DraftTests {
    private static var settings: MQTTSNSettings {
        var settings = MQTTSNSettings.quiet
        settings.speaksDraft = true
        settings.strangersSpeakDraft = true
        return settings
    }

    private static func connect(_ clientID: [UInt8]) -> [UInt8] {
        [UInt8(10 + clientID.count), 0x01, 0x01, 0x00, 0x01, 0x02, 0x00, 0x3C, 0x00, 0x00] + clientID
    }

    @Test("A client without id is given one of its own, by which it may come back")
    func assignsClientIDs() async throws {
        try await SocketStage.with(Self.settings) { stage in
            var ids: [[UInt8]] = []
            for client in ["C", "D"] {
                try stage.send(Self.connect([]), from: client)
                let connack = try #require(try stage.next(for: client))
                #expect(Array(connack[1..<6]) == [0x02, 0x00, 0x00, 0x01, 0x00] && Int(connack[0]) == connack.count)
                ids.append(Array(connack[6...]))
            }
            #expect(Set(ids).count == 2)
            for id in ids {
                #expect(stage.session(String(decoding: id, as: UTF8.self)) == "attached")
                // As long as it may be, and nobody guesses it.
                #expect((15...64).contains(id.count))
            }
            try stage.send(Self.connect(ids[0]), from: "E")
            #expect(try stage.next(for: "E") == [0x06, 0x02, 0x00, 0x00, 0x01, 0x00])
            #expect(try stage.next(for: "C") == [0x04, 0x0E, 0x04, 0x8E])
        }
    }

    @Test("A SEARCHGW shorter than its answer is answered in the group gateways are searched in")
    func answersSearchesInTheGroup() throws {
        let conversation = try Conversation(Self.settings)
        conversation.loop.searchGroup = try SocketAddress(ipAddress: "192.0.2.\("M".utf8.first ?? 0)", port: 10_001)
        conversation.receive([0x02, 0x17], from: "D")
        #expect(try conversation.next(for: "M") == [0x03, 0x18, 0x01])
        #expect(conversation.unexpected() == nil)
    }

    @Test("WAKEUP comes whether or not the state of clients is published", arguments: [false, true])
    func callsSleepers(publishesClientStatus: Bool) async throws {
        var settings = Self.settings
        settings.publishesClientStatus = publishesClientStatus
        try await SocketStage.with(settings) { stage in
            try stage.send(Self.connect([0x63, 0x31]), from: "C")
            try stage.send([0x08, 0x08, 0x03, 0x00, 0x02, 0x61, 0x2F, 0x62], from: "C")
            try stage.send([0x09, 0x13, 0x01, 0x00, 0x03, 0x00, 0x00, 0x0E, 0x10], from: "C")
            for _ in 0..<3 { _ = try stage.next(for: "C") }
            try await stage.wait(.seconds(3))
            #expect(try stage.next(for: "C") == nil)
            try stage.publish("a/b", [0x61], .atMostOnce, retain: false)
            try await stage.wait(.seconds(3))
            #expect(try stage.next(for: "C") == [0x02, 0x15])
        }
    }
}
