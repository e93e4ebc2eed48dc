import MQTTCodec
import Messaging
import NIOCore
import TestKit
import Testing

@testable import MQTTServer

@Suite struct OutgoingAliasesTests {
    /// A message of that name.
    private func topic(_ name: String) throws -> Message {
        Message(topic: try TopicName(name), payload: [], qos: .atMostOnce, publishedAt: .never)
    }

    /// MQTT-3.1.2-27
    @Test func aClientThatTakesNoneGetsNone() {
        #expect(OutgoingAliases(clientMaximum: 0, limit: 10) == nil)
        #expect(OutgoingAliases(clientMaximum: 10, limit: 0) == nil)
    }

    @Test func aTopicGetsItsAliasTheSecondTime() throws {
        var aliases = try #require(OutgoingAliases(clientMaximum: 1, limit: 10))
        let name = try topic("sensors/temperature")
        #expect(aliases.use(for: name) == .name)
        #expect(aliases.use(for: name) == .set(1))
        #expect(aliases.use(for: name) == .set(1), "what was not sent is not set")
        aliases.sent(.set(1))
        #expect(aliases.use(for: name) == .alias(1))
    }

    @Test func aTopicThatComesMoreOftenTakesTheAliasOver() throws {
        var aliases = try #require(OutgoingAliases(clientMaximum: 1, limit: 1))
        let (old, new) = (try topic("old/topic"), try topic("new/topic"))
        for _ in 0..<20 { aliases.sent(aliases.use(for: old)) }
        #expect(aliases.use(for: new) == .name)
        #expect(aliases.use(for: old) == .alias(1), "one stranger changes nothing")
        for _ in 0..<20 { aliases.sent(aliases.use(for: new)) }
        #expect(aliases.use(for: new) == .alias(1))
        #expect(aliases.use(for: old) == .name)
    }

    @Test func aShortNameIsCheaperThanItsAlias() throws {
        var aliases = try #require(OutgoingAliases(clientMaximum: 5, limit: 5))
        for _ in 0..<5 { #expect(aliases.use(for: try topic("a/b")) == .name) }
    }

    /// MQTT-3.1.2-26, MQTT-3.3.2-11: what the client makes of the aliases is what was published, in order, and no alias exceeds
    /// its maximum.
    @Test func aClientThatFollowsTheAliasesSeesEveryTopic() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(properties: [.topicAliasMaximum(4)])
        try client.subscribe("#", .atLeastOnce)
        var generator = SeededGenerator(seed: 7)
        var names: [UInt16: String] = [:]
        var aliased = 0
        for round in 0..<2_000 {
            let published = "level/\(Int.random(in: 0..<9, using: &generator) & 5)"
            try conversation.broker.publish(published, [UInt8(truncatingIfNeeded: round)], qos: .atLeastOnce)
            guard case .publish(let publish) = try client.receive().first, let id = publish.packetIdentifier else {
                throw Conversation.Failure.somethingElseCame
            }
            var name = String(buffer: publish.topic)
            if let alias = publish.properties.topicAlias {
                #expect((1...4).contains(alias))
                if name.isEmpty {
                    aliased += 1
                    name = names[alias, default: "never set"]
                } else {
                    names[alias] = name
                }
            }
            #expect(name == published)
            try client.send(.puback(Acknowledgement(id)))
        }
        // The hash has a key of this process: one in 64 puts all four topics into one place, which leaves 301.
        #expect(aliased > 300)
    }

    @Test func anAliasIsNotSetByAPacketThatWasTooLarge() throws {
        let conversation = Conversation()
        let client = try conversation.connectedClient(properties: [.topicAliasMaximum(1), .maximumPacketSize(60)])
        try client.subscribe("long/enough", .atMostOnce)
        for size in [1, 100, 1, 1] {
            try conversation.broker.publish("long/enough", [UInt8](repeating: 120, count: size))
        }
        let set = Packet.publish("long/enough", "x", properties: [.topicAlias(1)])
        #expect(
            try client.receive() == [.publish("long/enough", "x"), set, .publish("", "x", properties: [.topicAlias(1)])])
    }
}
