import MQTTCodec
import Messaging
import NIOCore
import NIOEmbedded
import TestKit
import Testing

@testable import MQTTServer

@Suite struct HostileInputTests {
    /// MQTT-4.13.1-1
    @Test func everyKindOfMalformedPacketClosesItsConnectionWithTheReason() throws {
        let rows = try FixtureTable("mqtt/invalid.txt").rows.filter { $0[0] == "client" && $0[1] != "none" }
        #expect(rows.count > 50)
        for row in rows {
            let version: ProtocolVersion = row[1] == "5.0" ? .v5 : .v311
            let conversation = Conversation()
            let client = try conversation.connectedClient(version)
            try client.send(ByteBuffer(bytes: octets(hex: row[2]) ?? []))
            let answers = try client.receive()
            #expect(client.isClosed, "\(row)")
            if version == .v5, case .disconnect(let disconnect) = answers.first {
                #expect(disconnect.reasonCode.isFailure, "\(row)")
            } else {
                #expect(version != .v5 && answers.isEmpty, "\(row)")
            }
        }
    }

    @Test func tenThousandMutatedConversationsHarmNobodyElse() throws {
        let conversation = Conversation()
        let bystander = try conversation.connectedClient(id: "bystander")
        try bystander.subscribe("bystander/only", .atMostOnce)
        var generator = SeededGenerator(seed: 1_883)
        let rows = try FixtureTable("mqtt/valid.txt").rows.filter { $0[0] == "client" }
        let packets = rows.compactMap { octets(hex: $0[2]) }
        for round in 0..<10_000 {
            let version: ProtocolVersion = round.isMultiple(of: 2) ? .v5 : .v311
            let client = try conversation.client(version)
            if !round.isMultiple(of: 5) {
                try client.send(.connect(Connect(version: version, clientIdentifier: "fuzz")))
            }
            for _ in 0..<3 {
                let packet = packets[Int.random(in: packets.indices, using: &generator)]
                try client.send(ByteBuffer(bytes: generator.mutate(packet)))
            }
            _ = try? client.receive()
            client.cut()
        }
        try conversation.broker.publish("bystander/only", [1])
        #expect(try bystander.receive().contains { $0.type == .publish })
        #expect(conversation.loop.connections.count == 1)
    }

    /// MQTT-3.1.4-1: from 5.0 on with the reason, before it by closing.
    @Test func everyMalformedConnectIsRefused() throws {
        let rows = try FixtureTable("mqtt/invalid.txt").rows.filter { $0[0] == "client" && $0[1] == "none" }
        #expect(rows.count > 20)
        for row in rows {
            let bytes = octets(hex: row[2]) ?? []
            let isVersion5 = bytes.dropFirst(6).prefix(3) == [0x54, 0x54, 5]
            let conversation = Conversation()
            let client = try conversation.client(isVersion5 || row[3] == "unsupportedProtocolVersion" ? .v5 : .v311)
            try client.send(ByteBuffer(bytes: bytes))
            let answers = try client.receive()
            #expect(client.isClosed, "\(row)")
            #expect(conversation.broker.connectRequests.isEmpty, "\(row)")
            if case .connack(let refusal) = answers.first {
                #expect(refusal.reasonCode.isFailure && answers.count == 1, "\(row)")
            } else {
                #expect(!isVersion5 && answers.isEmpty, "\(row)")
            }
        }
    }
}
