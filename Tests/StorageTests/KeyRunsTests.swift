import TestKit
import Testing

@testable import Storage

@Suite struct KeyRunsTests {
    @Test(arguments: [
        ([], []), ([7], [7...7]), ([7, 5, 6, 9, 12, 11], [5...7, 9...9, 11...12]),
    ] as [([Int64], [ClosedRange<Int64>])])
    func consecutiveKeysAreOneRun(keys: [Int64], runs: [ClosedRange<Int64>]) {
        #expect(Array(KeyRuns(keys)) == runs)
    }

    @Test func noKeyIsAddedOrLost() {
        var generator = SeededGenerator(seed: 3)
        let keys = (1...2_000 as ClosedRange<Int64>).filter { _ in Bool.random(using: &generator) }.shuffled(using: &generator)
        #expect(KeyRuns(keys).flatMap(Array.init) == keys.sorted())
    }
}
