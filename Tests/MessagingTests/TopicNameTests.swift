import Messaging
import Testing

@Suite struct TopicNameTests {
    @Test(arguments: ["a", "/", "a//b", "a b/ü", "$SYS/x", "finance"])
    func acceptsWhatTheStandardAllows(text: String) throws {
        #expect(try TopicName(text).string == text)
    }

    @Test(arguments: [
        ("", TopicError.empty), ("a/+", .wildcardInName), ("a#", .wildcardInName), ("a\u{0}", .containsNull),
        (String(repeating: "x", count: 65_536), .tooLong),
    ])
    func refusesWithTheRuleBroken(text: String, error: TopicError) {
        #expect(throws: error) { try TopicName(text) }
    }

    @Test func refusesOctetsThatAreNoUTF8() {
        #expect(throws: TopicError.notUTF8) { try TopicName(utf8: [0x61, 0xC3]) }
        #expect(throws: TopicError.notUTF8) { try TopicName(utf8: [0xED, 0xA0, 0x80]) }  // a surrogate: MQTT-1.5.4-1
    }

    /// MQTT-4.7.3-4: no normalisation. "é" as one and as two code points are two topics.
    @Test func comparesByOctets() throws {
        let composed = try TopicName("caf\u{E9}")
        let decomposed = try TopicName("cafe\u{301}")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
    }
}
