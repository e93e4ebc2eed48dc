import LoadGenerator
import TestKit
import Testing

/// What a busy time needed goes back to the system when it is over. Takes as long as the gateway keeps what is freed, ten seconds.
@Suite struct GivenBackMemoryTests {
    private static let octets = 1_024
    private static let count = 40_000

    @Test func whatIsNotUsedAnyMoreGoesBackToTheSystem() async throws {
        let apus = try await RunningApus(["store.durability=memory"])
        let before = try apus.residentOctets
        var settings = LoadSettings()
        settings.port = try apus.port("mqtt.tcp")
        settings.payloadOctets = Self.octets
        settings.extent = .messages(1_000)
        let generator = LoadGenerator(settings)
        _ = try await generator.retained(Self.count, window: 100, keepsMessages: true)
        let filled = try apus.residentOctets - before
        #expect(filled > Self.count * Self.octets)
        // The same topics again, which are cleared this time.
        _ = try await generator.retained(Self.count, window: 100)
        try await apus.metrics(within: .patience) { _ in
            (try? apus.residentOctets).map { $0 - before < filled / 4 } ?? false
        }
        #expect(try await apus.stop() == 0)
    }
}
