/// Random numbers that are the same in every run (SplitMix64), so that a failing case can be found again.
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Changes `octets` as damaged or hostile peers do: flips, overwrites, inserts, deletes, doubles or cuts, 1 to 4 times.
    package mutating func mutate(_ octets: [UInt8]) -> [UInt8] {
        var result = octets
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            let index = result.isEmpty ? 0 : Int.random(in: result.indices, using: &self)
            switch Int.random(in: 0..<6, using: &self) {
            case 0 where !result.isEmpty: result[index] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 1 where !result.isEmpty: result[index] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &self) ?? 0
            case 2: result.insert(UInt8.random(in: 0...255, using: &self), at: index)
            case 3 where !result.isEmpty: result.remove(at: index)
            case 4 where !result.isEmpty: result.insert(contentsOf: result[index...].prefix(16), at: index)
            default: result.removeSubrange(index...)
            }
        }
        return result
    }
}
