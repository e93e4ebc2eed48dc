/// Checks what one receiver got of one sender's numbered messages: 0, 1, 2, …
package struct SequenceCheck: Sendable, Equatable {
    /// Messages received, doubles included.
    package private(set) var received = 0
    /// Messages that came although their number had come before.
    package private(set) var doubled = 0
    /// Messages that came after one with a higher number.
    package private(set) var outOfOrder = 0
    private var next: UInt64 = 0
    /// Numbers below `next` that have not come.
    private var missing: Set<UInt64> = []

    package init() {}

    /// Messages with different numbers.
    package var distinct: Int { received - doubled }

    /// Whether all numbers below `end` have come.
    package func isComplete(below end: UInt64) -> Bool { next >= end && !missing.contains { $0 < end } }

    /// Numbers below `end` that have not come, in order.
    package func missing(below end: UInt64) -> [UInt64] {
        missing.filter { $0 < end }.sorted() + (next < end ? Array(next..<end) : [])
    }

    /// - Returns: false for a double.
    @discardableResult
    package mutating func record(_ number: UInt64) -> Bool {
        received += 1
        if number == next {
            next += 1
        } else if number > next {
            missing.formUnion(next..<number)
            next = number + 1
        } else if missing.remove(number) != nil {
            outOfOrder += 1
        } else {
            doubled += 1
            return false
        }
        return true
    }
}
