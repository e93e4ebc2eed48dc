import Testing

@testable import Transport

@Suite struct LoopTurnsTests {
    private static let stride = 16

    @Test func theFirstConnectionsShareALoop() {
        var turns = LoopTurns(loops: 3, stride: Self.stride)
        #expect(accept(Self.stride, by: &turns) == [Self.stride, 0, 0])
        #expect(turns.current == 1)
    }

    @Test func manyAreSpreadEvenly() {
        var turns = LoopTurns(loops: 3, stride: Self.stride)
        let counts = accept(3_000, by: &turns)
        #expect(counts.allSatisfy { abs($0 - 1_000) <= Self.stride })
    }

    @Test func aLoopWhoseConnectionsHaveGoneTakesTheNext() {
        var turns = LoopTurns(loops: 2, stride: Self.stride)
        _ = accept(4 * Self.stride, by: &turns)
        let left = turns.current == 0 ? 1 : 0
        for _ in 0..<2 * Self.stride { turns.ended(on: left) }
        _ = turns.began(on: turns.current)
        #expect(turns.current == left)
    }

    @Test func oneLoopTakesAll() {
        var turns = LoopTurns(loops: 1, stride: Self.stride)
        #expect(accept(100, by: &turns) == [100])
        #expect(turns.current == 0)
    }

    /// A channel may accept a few more than it should before it hears that it is another's turn.
    @Test func whoAcceptsOutOfTurnIsCountedAndChangesNothing() {
        var turns = LoopTurns(loops: 2, stride: Self.stride)
        _ = accept(Self.stride, by: &turns)
        #expect(turns.began(on: 0) == nil)
        #expect(turns.current == 1)
    }

    private func accept(_ count: Int, by turns: inout LoopTurns) -> [Int] {
        var counts: [Int: Int] = [:]
        for _ in 0..<count {
            counts[turns.current, default: 0] += 1
            _ = turns.began(on: turns.current)
        }
        return (0..<turns.loops).map { counts[$0, default: 0] }
    }
}
