import Testing

@testable import LoadGenerator

@Suite struct RunResultTests {
    /// The system's clock of another process moves at its ticks: a run between two of them has no figure, which is not 0.
    @Test(arguments: [(5_000, nil), (15_000, 1)] as [(UInt64, Double?)])
    func theBrokersTimeIsToldWhenItsClockHasMoved(after: UInt64, microseconds: Double?) throws {
        var start = try Sample(operations: 0, broker: nil)
        start.brokerTime = 5_000
        var end = start
        end.operations = 10
        end.brokerTime = after
        let result = try RunResult("test", count: 1, from: start, to: end, settings: LoadSettings())
        #expect(result.brokerMicroseconds == microseconds)
    }
}
