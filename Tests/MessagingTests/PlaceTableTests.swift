import Messaging
import TestKit
import Testing

@Suite("PlaceTable")
struct PlaceTableTests {
    /// Against a dictionary, with hashes that collide all the time.
    @Test(arguments: [1, 7, 1_000_003]) func holdsWhatADictionaryWould(hashes: Int) {
        var generator = SeededGenerator(seed: 5)
        var keys: [Int: Int] = [:]
        var table = PlaceTable()
        func hash(_ key: Int) -> Int { key &* 0x9E37_79B9 % hashes }
        for _ in 0..<5_000 {
            let place = Int.random(in: 0..<200, using: &generator)
            let held = keys
            if let key = held[place] {
                #expect(table.find(hash(key)) { held[$0] == key } == place)
                table.remove(place) { hash(held[$0] ?? 0) }
                keys[place] = nil
                let left = keys
                #expect(table.find(hash(key)) { left[$0] == key } == nil)
            } else {
                let key = place + 200 * Int.random(in: 0..<1_000, using: &generator)
                keys[place] = key
                let now = keys
                table.insert(place) { hash(now[$0] ?? 0) }
            }
            #expect(table.count == keys.count)
        }
        for (place, key) in keys { #expect(table.find(hash(key)) { keys[$0] == key } == place) }
    }
}
