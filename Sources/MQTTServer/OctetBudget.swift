import Synchronization

/// What many may hold together.
final class OctetBudget: Sendable {
    let limit: Int
    private let held = Atomic<Int>(0)

    init(limit: Int) { self.limit = limit }

    /// Changes what one of them holds; it counts in any case.
    /// - Returns: whether all together hold no more than they may.
    func change(by octets: Int) -> Bool { held.add(octets, ordering: .relaxed).newValue <= limit }

    var current: Int { held.load(ordering: .relaxed) }
}
