/// Keys in runs of consecutive ones, so that what was written together can be deleted by one statement.
///
///     7 5 6 9 12 11  ──▶  5…7, 9, 11…12
struct KeyRuns: Sequence, IteratorProtocol {
    private let keys: [Int64]
    private var position = 0

    /// - Parameter keys: each at most once, in any order.
    init(_ keys: [Int64]) { self.keys = keys.sorted() }

    mutating func next() -> ClosedRange<Int64>? {
        guard position < keys.count else { return nil }
        let first = keys[position]
        var last = first
        position += 1
        while position < keys.count, keys[position] == last + 1 {
            last += 1
            position += 1
        }
        return first...last
    }
}
