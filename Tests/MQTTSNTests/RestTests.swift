import Messaging
import TestKit
import Testing

@testable import MQTTSN

/// Sleepers for which nothing is under way rest; the conversations show that nobody notices.
@Suite("Rest")
struct RestTests {
    private static let connect: [UInt8] = [0x08, 0x04, 0x00, 0x01, 0x00, 0x3C, 0x63, 0x31]
    private static let sleep: [UInt8] = [0x04, 0x18, 0x0E, 0x10]
    private static let wake: [UInt8] = [0x04, 0x16, 0x63, 0x31]
    private static let subscribe: [UInt8] = [0x08, 0x12, 0x20, 0x00, 0x02, 0x61, 0x2F, 0x62]

    private func sleeper(_ settings: MQTTSNSettings = .quiet, before: [UInt8]...) throws -> Conversation {
        let conversation = try Conversation(settings)
        for octets in [Self.connect] + before + [Self.sleep] { conversation.receive(octets, from: "C") }
        _ = conversation.takeSent()
        return conversation
    }

    @Test func aSleeperRestsUntilItWakesAndAgainAfterwards() throws {
        let conversation = try sleeper(before: Self.subscribe)
        #expect(conversation.loop.restingCount == 1)
        try conversation.publish("a/b", [0x68], .atLeastOnce, retain: false)
        #expect(conversation.loop.restingCount == 1)
        conversation.receive(Self.wake, from: "C")
        #expect(conversation.takeSent() == [[0x08, 0x0C, 0x20, 0x00, 0x01, 0x00, 0x01, 0x68]])
        #expect(conversation.loop.restingCount == 0)
        conversation.receive([0x07, 0x0D, 0x00, 0x01, 0x00, 0x01, 0x00], from: "C")
        #expect(conversation.takeSent() == [[0x02, 0x17]])
        #expect(conversation.loop.restingCount == 1)
    }

    @Test func whoFallsAsleepWithAnUnansweredMessageDoesNot() throws {
        let conversation = try Conversation()
        for octets in [Self.connect, Self.subscribe] { conversation.receive(octets, from: "C") }
        try conversation.publish("a/b", [0x68], .atLeastOnce, retain: false)
        conversation.receive(Self.sleep, from: "C")
        #expect(conversation.loop.restingCount == 0)
        _ = conversation.takeSent()
        conversation.receive(Self.wake, from: "C")
        #expect(conversation.takeSent() == [[0x08, 0x0C, 0xA0, 0x00, 0x01, 0x00, 0x01, 0x68]])
    }

    /// Each message is watched by a timer that comes before the end of the sleep.
    @Test func whoWakesOftenLeavesNoTimersBehind() throws {
        let conversation = try sleeper(before: Self.subscribe)
        for number in UInt8(1)...20 {
            try conversation.publish("a/b", [0x68], .atLeastOnce, retain: false)
            conversation.receive(Self.wake, from: "C")
            conversation.receive([0x07, 0x0D, 0x00, 0x01, 0x00, number, 0x00], from: "C")
            #expect(conversation.takeSent().last == [0x02, 0x17])
            conversation.wait(.seconds(30))
        }
        #expect(conversation.loop.timerCount == 1)
    }

    /// As long as its PUBACK may have been lost, a repetition is recognised.
    @Test func whoHasJustPublishedDoesNotYet() throws {
        var settings = MQTTSNSettings.quiet
        settings.publishesClientStatus = true
        let publish: [UInt8] = [0x08, 0x0C, 0x22, 0x61, 0x62, 0x00, 0x05, 0x68]
        let conversation = try sleeper(settings, before: publish)
        #expect(conversation.loop.restingCount == 0)
        conversation.receive([0x08, 0x0C, 0xA2, 0x61, 0x62, 0x00, 0x05, 0x68], from: "C")
        #expect(conversation.broker.published.count { $0.topic.string == "ab" } == 1)
        conversation.wait(.seconds(65))
        #expect(conversation.loop.restingCount == 1)
    }
}
