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

    /// Those of the scenarios everybody should pass that datagrams can show; 74 is `DamageTests`.
    @Test(
        "Every number has a scenario over a socket",
        arguments: [
            1, 2, 4, 5, 7, 8, 9, 10, 12, 13, 14, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 28, 29, 30, 31, 32, 33, 34, 35,
            36, 37, 39, 41,
            42, 43, 44, 46, 47, 48, 49, 51, 52, 53, 54, 56, 57, 58, 59, 60, 62, 63, 64, 66, 68, 70, 71, 72, 73, 75,
        ])
    func hasAScenario(_ number: Int) {
        #expect(Self.overSocket.contains { $0.title.hasPrefix("\(number) ") })
    }

    @Test(arguments: files + ["overflow"]) func everyFileHasScenarios(_ file: String) {
        #expect(!Scenario.load("mqttsn/conversations/\(file).txt").isEmpty)
    }
}
