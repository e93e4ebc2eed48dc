import Foundation
import TestKit
import Testing

/// Acknowledged means stored, shown by killing the gateway with SIGKILL at random moments. `make chaos` does it 200 times,
/// `make test` a few. A failing run is repeated with its seed: TEST_CHAOS_SEED.
@Suite(.serialized) struct ChaosTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let kills = environment["TEST_CHAOS_KILLS"].flatMap { Int($0) } ?? 6

    private func plan(_ kills: Int = Self.kills) -> ChaosRun.Plan {
        let seed = Self.environment["TEST_CHAOS_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...999_999)
        print("chaos: \(kills) kills, seed \(seed)")
        return ChaosRun.Plan(kills: kills, seed: seed)
    }

    private func expectNoViolation(_ plan: ChaosRun.Plan) async throws {
        var run = try ChaosRun(plan)
        let account = try await run.run()
        #expect(account.violations.isEmpty)
        print("chaos: \(account.summary)")
    }

    @Test func whatIsAcknowledgedSurvivesKills() async throws {
        try await expectNoViolation(plan())
    }

    @Test func whatIsAcknowledgedSurvivesLossesOfPower() async throws {
        var plan = plan()
        plan.losesPower = true
        try await expectNoViolation(plan)
    }

    /// The level `process` promises nothing of the kind. That it shows here proves that the losses above are real.
    @Test func aLossOfPowerLosesWhatTheLevelDoesNotPromise() async throws {
        var plan = plan(6)
        plan.losesPower = true
        plan.settings = ["store.durability=process"]
        var run = try ChaosRun(plan)
        let account = try await run.run()
        #expect(account.violations.contains { $0.contains("will miss") || $0.contains("forgotten") })
    }
}
