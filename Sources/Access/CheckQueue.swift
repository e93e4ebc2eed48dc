import Dispatch
package import Messaging
import Synchronization

/// Password checks waiting for their turn on a few threads, apart from those that serve connections.
///
/// Bounded: what comes when `limit` wait is turned away and counted, so that a flood of logins costs neither memory nor the
/// connections that are in already.
package final class CheckQueue: Sendable {
    private let queues: [DispatchQueue]
    private let limit: Int
    private let pending = Atomic<Int>(0)
    private let next = Atomic<UInt>(0)
    /// Checks turned away.
    package let refused = Counter()

    /// - Parameters:
    ///   - threads: checks at the same time.
    ///   - limit: checks waiting or under way.
    package init(threads: Int = 2, limit: Int = 10_000) {
        precondition(threads > 0 && limit > 0, "a queue that takes nothing would refuse every login")
        queues = (0..<threads).map { DispatchQueue(label: "apus.access.\($0)") }
        self.limit = limit
    }

    /// - Returns: false when there is no room; `check` is not called then.
    func submit(_ check: @escaping @Sendable () -> Void) -> Bool {
        let (_, waiting) = pending.add(1, ordering: .relaxed)
        guard waiting <= limit else {
            pending.subtract(1, ordering: .relaxed)
            refused.add()
            return false
        }
        let turn = next.wrappingAdd(1, ordering: .relaxed).oldValue
        queues[Int(turn % UInt(queues.count))].async { [self] in
            check()
            pending.subtract(1, ordering: .relaxed)
        }
        return true
    }
}
