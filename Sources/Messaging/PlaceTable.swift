/// A hash table of places in another table, which has the keys: about eight octets for each. Linear probing; the room of a removed
/// place is filled by those behind it that it kept from where they belong.
public struct PlaceTable: Sendable {
    /// 0 where nothing is, else one more than a place. A power of two of them, at most three quarters in use.
    private var buckets = ContiguousArray<UInt32>(repeating: 0, count: 8)
    /// Places in it.
    public private(set) var count = 0

    public init() {}

    /// The place whose key hashes to `hash` and satisfies `isWanted`.
    public func find(_ hash: Int, where isWanted: (Int) -> Bool) -> Int? {
        var bucket = home(hash)
        while buckets[bucket] != 0 {
            let place = Int(buckets[bucket]) - 1
            if isWanted(place) { return place }
            bucket = next(bucket)
        }
        return nil
    }

    /// - Parameter hashOf: the hash of any place's key.
    public mutating func insert(_ place: Int, hashOf: (Int) -> Int) {
        if (count + 1) * 4 > buckets.count * 3 { grow(hashOf) }
        put(place, hashOf(place))
        count += 1
    }

    /// To be called while the place still has its key.
    public mutating func remove(_ place: Int, hashOf: (Int) -> Int) {
        var gap = home(hashOf(place))
        while buckets[gap] != UInt32(place + 1) {
            precondition(buckets[gap] != 0, "what is removed was inserted under the key it has")
            gap = next(gap)
        }
        buckets[gap] = 0
        count -= 1
        var bucket = next(gap)
        while buckets[bucket] != 0 {
            let distance = (bucket - home(hashOf(Int(buckets[bucket]) - 1))) & mask
            if distance >= (bucket - gap) & mask {
                buckets[gap] = buckets[bucket]
                buckets[bucket] = 0
                gap = bucket
            }
            bucket = next(bucket)
        }
    }

    private mutating func grow(_ hashOf: (Int) -> Int) {
        let places = buckets.filter { $0 != 0 }
        buckets = ContiguousArray(repeating: 0, count: buckets.count * 2)
        for place in places { put(Int(place) - 1, hashOf(Int(place) - 1)) }
    }

    private mutating func put(_ place: Int, _ hash: Int) {
        var bucket = home(hash)
        while buckets[bucket] != 0 { bucket = next(bucket) }
        buckets[bucket] = UInt32(place + 1)
    }

    private var mask: Int { buckets.count - 1 }
    private func home(_ hash: Int) -> Int { hash & mask }
    private func next(_ bucket: Int) -> Int { (bucket + 1) & mask }
}
