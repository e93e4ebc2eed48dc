import FuzzProperties
import TestKit
import Testing

/// The short form of `make fuzz`: what it starts from, what it has found before, and damage to both.
@Suite struct FuzzInputTests {
    @Test(arguments: FuzzTarget.allCases) func everyInputKeepsItsPromise(_ target: FuzzTarget) throws {
        let inputs = try target.inputs()
        #expect(inputs.count >= 10)
        for input in inputs {
            #expect(throws: Never.self, "\(hex(input))") { try target.check(input) }
        }
    }

    @Test(arguments: [(FuzzTarget.codec, 10_000), (.websocket, 1_000), (.proxy, 10_000)])
    func damagedInputsKeepTheirPromise(_ target: FuzzTarget, rounds: Int) throws {
        var generator = SeededGenerator(seed: 0x4D51_5454)
        let inputs = try target.inputs()
        for round in 0..<rounds {
            let input = generator.mutate(inputs[round % inputs.count])
            #expect(throws: Never.self, "\(hex(input))") { try target.check(input) }
        }
    }
}
