import Messaging
import Synchronization

/// The bound on the memory of the whole process. It is measured, not summed up: whatever fills it, mailboxes are what can give way.
extension CoreBroker {
    /// What all mailboxes together may still take above the limit is this part of it.
    private static let reserve = 4
    /// Octets that every mailbox may hold above the limit, at most and at least.
    private static let share = 1_024...65_536

    /// Says how much memory the process holds, in octets. To be called again and again where `BrokerLimits.memory` is set.
    /// - Returns: whether that is too much.
    @discardableResult
    package func noteMemory(resident octets: Int) -> Bool {
        guard let limit = limits.memory else { return false }
        let isTight = octets > limit
        let share = isTight ? shareOfMemory(limit) : .max
        let wasTight = memoryShare.exchange(share, ordering: .relaxed) != .max
        if isTight != wasTight { events.record(.memoryTight(isTight)) }
        return isTight
    }

    private func shareOfMemory(_ limit: Int) -> Int {
        let sessions = max(1, self.sessions.withLock { $0.count })
        return min(max(limit / Self.reserve / sessions, Self.share.lowerBound), Self.share.upperBound)
    }
}
