import MQTTCodec
import Messaging
import NIOCore
import NIOEmbedded
import TestKit
import Testing
import Transport

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

/// Packets that begin and do not end.
@Suite struct UnfinishedPacketTests {
    /// The beginning of a PUBLISH of `count` octets.
    private func begin(_ count: Int) -> ByteBuffer {
        ByteBuffer(bytes: [0x30, 0x80, 0x10, 0x00, 0x01, 0x61, 0x00] + [UInt8](repeating: 7, count: count - 7))
    }

    @Test func allConnectionsTogetherHoldNoMoreThanTheirBudget() throws {
        let conversation = Conversation { $0.maximumUnfinished = 1_500 }
        let first = try conversation.connectedClient(id: "first")
        let second = try conversation.connectedClient(id: "second")
        let old = try conversation.connectedClient(.v311, id: "old")
        try first.send(begin(1_000))
        try second.send(begin(1_000))
        #expect(try second.goodbye().reasonCode == .quotaExceeded)
        #expect(second.isClosed)
        try old.send(begin(600))
        #expect(try old.receive().isEmpty && old.isClosed, "before 5.0 a server has no DISCONNECT")
        #expect(conversation.server.counters.unfinishedOverLimit.current == 2)
        // Who was there first goes on, and gives its share back.
        try first.send(ByteBuffer(bytes: [UInt8](repeating: 7, count: 2_051 - 1_000)))
        try first.send(.pingreq)
        #expect(try first.receive() == [.pingresp])
        #expect(conversation.server.unfinished.current == 0)
        #expect(conversation.broker.published.count == 1)
    }

    @Test func whoLeavesGivesItsShareBack() throws {
        let conversation = Conversation { $0.maximumUnfinished = 1_500 }
        for _ in 0..<3 {
            let client = try conversation.client()
            try client.send(ByteBuffer(bytes: [0x10, 0x80, 0x10] + [UInt8](repeating: 0, count: 1_000)))
            client.cut()
            #expect(conversation.server.unfinished.current == 0)
        }
        #expect(conversation.server.counters.unfinishedOverLimit.current == 0)
    }

    @Test func whoPingsAndReadsNothingIsReadNoFurther() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient()
        client.channel.isWritable = false
        client.channel.pipeline.fireChannelWritabilityChanged()
        let before = client.reads.count
        for _ in 0..<3 {
            try client.send(.pingreq)
            client.channel.read()
        }
        #expect(client.reads.count == before)
        client.channel.isWritable = true
        client.channel.pipeline.fireChannelWritabilityChanged()
        #expect(client.reads.count == before + 1)
    }

    /// MQTT-3.1.2-22
    @Test func theyAreNoSignOfLife() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(keepAlive: 10)
        conversation.broker.advance(by: .seconds(10))
        try client.send(begin(100))
        conversation.broker.advance(by: .seconds(6))
        #expect(try client.goodbye().reasonCode == .keepAliveTimeout)
    }
}
