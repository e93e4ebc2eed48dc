import Testing

@testable import MQTTSN

/// The scenarios under /Fixtures/mqttsn/conversations, with a clock moved by hand.
@Suite("Conversations")
struct ConversationTests {
    static let files = ["framing", "connect", "topics", "register", "qos", "sleep", "discovery", "draft"]
    static let scenarios = files.flatMap { Scenario.load("mqttsn/conversations/\($0).txt") }
    /// What takes the core's mailboxes.
    static let overflow = Scenario.load("mqttsn/conversations/overflow.txt")
    static let overSocket = scenarios.filter { !$0.commitsByHand } + overflow

    @Test("Between the gateway's loop and a fake broker", arguments: scenarios)
    func goesAsWritten(_ scenario: Scenario) async throws {
        let (settings, limits) = try scenario.setup(network: "192.0.2")
        try await ScenarioPlayer.play(scenario, on: Conversation(settings, limits: limits))
    }

    @Test("Over a UDP socket to the gateway and its core", arguments: overSocket)
    func goesAsWrittenOverASocket(_ scenario: Scenario) async throws {
        let (settings, limits) = try scenario.setup(network: "127.0.0")
        try await SocketStage.with(settings, limits: limits) { try await ScenarioPlayer.play(scenario, on: $0) }
    }

    @Test(arguments: files + ["overflow"]) func everyFileHasScenarios(_ file: String) {
        #expect(!Scenario.load("mqttsn/conversations/\(file).txt").isEmpty)
    }
}
