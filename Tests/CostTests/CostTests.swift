import Foundation
import TestKit
import Testing

/// What the hot paths cost, in instructions and allocations, against the numbers in Fixtures/cost/pinned.tsv.
///
/// Needs a release build and valgrind, which `make test` provides, and the compiler the numbers were pinned with, because
/// another one makes other instructions of the same code.
@Suite(.serialized) struct CostTests {
    @Test(
        .enabled(
            if: Measurement.isPossible, "make test builds .build/cost and says where it is in TEST_COST_BINARY"),
        .enabled(if: Pins.areOfThisCompiler, Pins.remedy))
    func noHotPathCostsATenthMoreThanPinned() async throws {
        let pinned = try Pins.load().costs
        let measured = try await Measurement.run()
        #expect(Set(measured.keys) == Set(pinned.keys), "a scenario has come or gone: make pin")
        for (scenario, cost) in measured.sorted(by: { $0.key < $1.key }) {
            guard let pin = pinned[scenario] else { continue }
            #expect(
                cost.instructions <= pin.instructions * 1.1, "\(scenario): instructions; if it is worth them, make pin")
            #expect(
                cost.allocations <= pin.allocations * 1.1 + 0.01,
                "\(scenario): allocations; if it is worth them, make pin")
        }
    }

    /// `make pin`
    @Test(.enabled(if: Measurement.isPossible && Pins.areToBeWritten, "only make pin writes the numbers"))
    func theNumbersArePinned() async throws {
        try Pins.write(try await Measurement.run())
    }
}
