import Messaging
import Testing

@Suite struct TopicFilterTests {
    /// The examples of MQTT 5.0, 4.7.1 and 4.7.2, and the corners between them.
    @Test(arguments: [
        ("sport/tennis/player1/#", "sport/tennis/player1", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
        ("sport/#", "sport", true), ("sport/tennis/+", "sport/tennis/player1", true),
        ("sport/tennis/+", "sport/tennis/player1/ranking", false), ("sport/+", "sport", false),
        ("sport/+", "sport/", true),
        ("+/+", "/finance", true), ("/+", "/finance", true), ("+", "/finance", false), ("#", "$SYS/x", false),
        ("+/monitor", "$SYS/monitor", false), ("$SYS/#", "$SYS/x", true), ("$SYS/+", "$SYS/x", true),
        ("a/b", "a/B", false),
        ("$share/g/a/+", "a/b", true),
    ])
    func matches(filter: String, topic: String, expected: Bool) throws {
        #expect(try TopicFilter(filter).matches(TopicName(topic)) == expected)
    }

    @Test(arguments: [
        ("$SYS/broker/c/x", true), ("$SYS/broker/c/+", true), ("$SYS/#", true), ("$SYS/broker/c/#", true),
        ("$SYS/+/c/+/#", true),
        ("$SYS/broker/c/x/y", true), ("$SYS/broker/c", false), ("$SYS/broker/+", false), ("$SYS/broker/d/#", false),
        ("#", false), ("+/broker/c/x", false), ("a/b", false),
    ])
    func knowsWhatItReaches(filter: String, expected: Bool) throws {
        #expect(try TopicFilter(filter).reaches(below: "$SYS/broker/c/") == expected)
    }

    @Test(arguments: [
        ("", TopicError.empty), ("a/b#", .misplacedWildcard), ("a/#/c", .misplacedWildcard), ("a+", .misplacedWildcard),
        ("$share/g", .malformedShare), ("$share//a", .malformedShare), ("$share/g/", .malformedShare),
        ("$share/g+/a", .malformedShare), ("$share/g/a#", .misplacedWildcard), ("a\u{0}b", .containsNull),
    ])
    func refusesWithTheRuleBroken(text: String, error: TopicError) {
        #expect(throws: error) { try TopicFilter(text) }
        guard error != .containsNull else { return }  // which the codec sees to
        #expect(throws: error) { try Array(text.utf8).withUnsafeBytes { try TopicFilter(checked: $0) } }
    }

    @Test(arguments: [
        "a", "+", "#", "/", "a/+/c/#", "sensors/hall/temperature", "$share/group/a/+", "$exclusive/a/#",
        "höhe/über/alles",
    ])
    func readsCheckedOctetsAsItReadsText(text: String) throws {
        let filter = try Array(text.utf8).withUnsafeBytes { try TopicFilter(checked: $0) }
        let expected = try TopicFilter(text)
        #expect(filter == expected && filter.pattern == expected.pattern && filter.shareGroup == expected.shareGroup)
        #expect(filter.isExclusive == expected.isExclusive && filter.hasWildcard == expected.hasWildcard)
        #expect(filter.isName == (expected.topicName != nil))
    }

    @Test func takesASharedFilterApart() throws {
        let filter = try TopicFilter("$share/group/a/+/c")
        #expect(filter.shareGroup == "group")
        #expect(filter.pattern == "a/+/c")
        #expect(filter.hasWildcard)
        #expect(filter.topicName == nil)
    }

    @Test func aFilterWithoutWildcardSpellsATopic() throws {
        #expect(try TopicFilter("a/b").topicName == TopicName("a/b"))
    }

    @Test func anExclusiveFilterIsItsPatternBehindAPrefix() throws {
        let filter = try TopicFilter("$exclusive/a/#")
        #expect(filter.isExclusive && !filter.isShared && filter.hasWildcard)
        #expect(filter.pattern == "a/#")
        #expect(filter.shareGroup == nil && filter.topicName == nil)
        #expect(throws: TopicError.malformedShare) { try TopicFilter("$exclusive/$share/g/a") }
        #expect(throws: TopicError.malformedShare) { try TopicFilter("$exclusive/") }
    }

    /// Eight octets are looked at in one step: nothing is overlooked at any place of a step.
    @Test(arguments: 0..<20) func aWildcardIsSeenAtAnyPlace(place: Int) throws {
        let level = String(repeating: "x", count: place)
        #expect(try TopicFilter("\(level)/+").hasWildcard)
        #expect(try TopicFilter("\(level)/#").hasWildcard)
        #expect(try !TopicFilter("\(level)/y").hasWildcard)
        #expect(throws: TopicError.misplacedWildcard) { try TopicFilter("\(level)/y#") }
        #expect(throws: TopicError.misplacedWildcard) { try TopicFilter("\(level)/+y") }
        #expect(throws: TopicError.containsNull) { try TopicFilter("\(level)/\u{0}/y") }
        #expect(throws: TopicError.wildcardInName) { try TopicName("\(level)+y") }
        #expect(throws: TopicError.containsNull) { try TopicName("\(level)\u{0}y") }
    }
}
