import Messaging
import TestKit
import Testing

@testable import BrokerCore

/// What an acknowledgement promises, by topic, by listener, and for the rest.
@Suite struct DurabilityLevelTests {
    private func policy() throws -> DurabilityPolicy {
        DurabilityPolicy(
            general: .disk, listeners: ["mqttsn.udp": .process],
            topics: [(try TopicFilter("fleeting/#"), .memory), (try TopicFilter("+/soon"), .process)])
    }

    @Test func aTopicsLevelGoesBeforeItsListenersAndThatBeforeTheGeneralOne() throws {
        let policy = try policy()
        #expect(policy.level(of: try TopicName("t")) == .disk)
        #expect(policy.level(of: try TopicName("t"), listenerLevel: .process) == .process)
        #expect(policy.level(of: try TopicName("fleeting/t"), listenerLevel: .process) == .memory)
        // Of several filters the strongest counts.
        #expect(policy.level(of: try TopicName("fleeting/soon"), listenerLevel: .memory) == .process)
        #expect(policy.strongest == .disk && DurabilityPolicy(general: .memory).strongest == .memory)
    }

    @Test func eachMessageIsStoredAsItsTopicSays() throws {
        let store = MemoryStore()
        let harness = try Harness(store: store, durability: policy())
        try harness.connect("c", .durable).subscribe("#")
        var isStored: [Bool] = []
        for topic in ["t", "a/soon", "fleeting/t"] {
            guard case .accepted(_, let commit) = try harness.publish(topic, "x", retain: true) else {
                throw HarnessError.noAnswer
            }
            isStored.append(commit != .none)
        }
        #expect(isStored == [true, true, false])
        let state = try store.load()
        #expect(state.sessions.first?.queue.map(\.durability) == [.disk, .process])
        #expect(Set(state.retained.map(\.message.topic.string)) == ["t", "a/soon"])
    }

    @Test func aListenerThatKeepsNothingHasNoSessionsInTheStore() throws {
        let store = MemoryStore()
        let policy = DurabilityPolicy(general: .disk, listeners: ["test": .memory])
        let harness = try Harness(store: store, durability: policy)
        try harness.connect("c", .durable).subscribe("t")
        try harness.publish("t", "x")
        #expect(try store.load().sessions.isEmpty)
        #expect(try Harness(store: store, durability: policy).broker.statistics().sessions == 0)
    }
}
