import Messaging

/// Things that are due at some time, in buckets of a tenth of a second. Nothing is ever taken out early: who put a thing in
/// checks, when it comes due, whether it still matters, and puts it in again when it is due later.
struct DeadlineQueue<Item> {
    private static var tick: Int64 { 100_000_000 }

    private var buckets: [Int64: [Item]] = [:]
    /// All buckets up to this one have been emptied.
    private var done: Int64

    init(now: Timestamp) { done = now.nanoseconds / Self.tick - 1 }

    var count: Int { buckets.values.reduce(0) { $0 + $1.count } }

    /// `item` comes due at the first tick at or after `deadline`; never for `.never`.
    mutating func insert(_ item: Item, at deadline: Timestamp) {
        guard deadline != .never else { return }
        let (quotient, remainder) = deadline.nanoseconds.quotientAndRemainder(dividingBy: Self.tick)
        buckets[max(quotient + (remainder > 0 ? 1 : 0), done + 1), default: []].append(item)
    }

    /// Takes out what is due.
    mutating func removeDue(at now: Timestamp) -> [Item] {
        let current = now.nanoseconds / Self.tick
        guard current > done, !buckets.isEmpty else {
            done = max(done, current)
            return []
        }
        let keys =
            current - done < buckets.count ? Array(done + 1...current) : buckets.keys.filter { $0 <= current }.sorted()
        done = current
        return keys.flatMap { buckets.removeValue(forKey: $0) ?? [] }
    }
}
