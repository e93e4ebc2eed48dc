import Testing

@testable import BrokerCore

@Suite struct FlatArrayTests {
    /// From `malloc` to pages of its own to huge ones, each with what was there before.
    @Test func keepsWhatItHasWhileItGrows() {
        var array = FlatArray<UInt64>()
        for number in 0..<UInt64(1 << 20) { array.append(number &* 0x9E37_79B9_7F4A_7C15) }
        let isKept = array.indices.allSatisfy { array[$0] == UInt64($0) &* 0x9E37_79B9_7F4A_7C15 }
        #expect(isKept)
        array.grow(filling: 7, to: 1 << 20 + 100)
        #expect(array.count == 1 << 20 + 100)
        #expect(array[1 << 20 - 1] == UInt64(1 << 20 - 1) &* 0x9E37_79B9_7F4A_7C15)
        #expect(array[1 << 20] == 7)
    }

    @Test func beginsLarge() {
        let array = FlatArray<UInt32>(repeating: 3, count: 2_000_000)
        let isFilled = array.withElements { $0.allSatisfy { $0 == 3 } }
        #expect(isFilled)
    }
}
