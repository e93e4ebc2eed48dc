import Messaging
import Testing

@testable import BrokerCore

@Suite struct TopicIDTableTests {
    /// Few and many: a table of many is kept another way.
    @Test(arguments: [1, 16, 17, 40])
    func aTopicHasOneIDAndAnIDOneTopic(count: Int) throws {
        let topics = try (0..<count).map { try TopicName("t/\($0)") }
        var table = TopicIDTable()
        for (index, topic) in topics.enumerated() {
            let first = table.register(topic, limit: 40)
            let second = table.register(topic, limit: 40)
            #expect(first?.id == UInt16(index + 1) && first?.isNew == true)
            #expect(second?.id == first?.id && second?.isNew == false)
        }
        for (index, topic) in topics.enumerated() {
            #expect(table.id(of: topic) == UInt16(index + 1))
            #expect(table.topic(of: UInt16(index + 1)) == topic)
        }
        let oneMore = try TopicName("one more")
        let refused = table.register(oneMore, limit: count)
        #expect(refused == nil && table.id(of: oneMore) == nil)
        var restored = TopicIDTable()
        restored.restore(table.all)
        #expect(restored.all.map(\.topic) == topics && restored.all.map(\.id) == table.all.map(\.id))
        #expect(restored.id(of: topics[count - 1]) == UInt16(count))
    }
}
