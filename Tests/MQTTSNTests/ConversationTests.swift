import Testing

@testable import MQTTSN

/// The scenarios under /Fixtures/mqttsn/conversations, with a clock moved by hand.
@Suite("Conversations")
struct ConversationTests {
    static let files = ["framing", "connect", "topics", "register", "qos", "sleep", "discovery"]
    static let scenarios = files.flatMap { Scenario.load("mqttsn/conversations/\($0).txt") }

    @Test(arguments: scenarios) func goesAsWritten(_ scenario: Scenario) throws {
        try Conversation.play(scenario)
    }

    @Test(arguments: files) func everyFileHasScenarios(_ file: String) {
        #expect(!Scenario.load("mqttsn/conversations/\(file).txt").isEmpty)
    }
}
