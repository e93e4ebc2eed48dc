import Synchronization

/// What many may hold together.
package final class OctetBudget: Sendable {
    package let limit: Int
    private let held = Atomic<Int>(0)

    package init(limit: Int) { self.limit = limit }

    /// Changes what one of them holds; it counts in any case.
    /// - Returns: whether all together hold no more than they may.
    package func change(by octets: Int) -> Bool { held.add(octets, ordering: .relaxed).newValue <= limit }

    package var current: Int { held.load(ordering: .relaxed) }
}

/// What one of them holds, given back when it goes.
struct BudgetShare: ~Copyable {
    private let budget: OctetBudget
    private(set) var octets = 0

    init(of budget: OctetBudget) { self.budget = budget }

    deinit { _ = budget.change(by: -octets) }

    /// - Returns: false when it grows and all together then hold more than they may.
    mutating func hold(_ octets: Int) -> Bool {
        let growth = octets - self.octets
        self.octets = octets
        return budget.change(by: growth) || growth <= 0
    }
}

/// An inbound event: what this connection has sent and not finished is too much for the budget of all. Its octets have been let go.
package struct UnfinishedOverBudget: Sendable {}
