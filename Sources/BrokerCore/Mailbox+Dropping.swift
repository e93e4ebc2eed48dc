import DequeModule
import Messaging

/// What gives way: to what arrives, or because nobody may have it any more. Each is counted with its reason.
extension Mailbox {
    /// For one more message.
    /// - Returns: false when nothing may give way to it.
    mutating func makeRoom(_ policy: MailboxLimits.Policy) -> Bool {
        switch policy {
        case .dropNewest, .rejectPublisher: return false
        case .dropOldest, .latestOnly: return dropOldest()
        case .dropQoS0First:
            guard let index = waiting.firstIndex(where: { $0.qos == .atMostOnce }) else {
                return drop(tail.removeFirstAtMostOnce()) || dropOldest()
            }
            drop(at: index)
            return true
        }
    }

    private mutating func dropOldest() -> Bool {
        guard !waiting.isEmpty else { return drop(tail.removeFirst()) }
        drop(at: 0)
        return true
    }

    private mutating func drop(at index: Int, _ reason: DropReason = .mailboxFull) {
        let entry = waiting.remove(at: index)
        forget(entry)
        ledger[dropped: reason] += 1
    }

    /// Drops what waits and is unwanted; of what lies in the store, when its turn comes. What is on the way stays.
    mutating func dropWaiting(_ unwanted: Unwanted) {
        var dropped = waiting.removeAll { unwanted.isUnwanted($0.message) }
        if tail.count > 0 {
            dropped += tail.removeWhole { unwanted.isUnwanted($0.message) }
            tail.unwanted = unwanted
        }
        for entry in dropped { forget(entry) }
        ledger[dropped: unwanted.reason] += UInt64(dropped.count)
    }

    /// Ends deliveries that are on the way and satisfy `isUnwanted`, except where only the release of an exactly-once
    /// message is open: its receiver has it.
    mutating func dropOnTheWay(_ reason: DropReason, where isUnwanted: (Message) -> Bool) {
        for (packetID, slot) in window.slotsByIdentifier where !slot.isReleased {
            guard let message = slot.entry?.message, isUnwanted(message) else { continue }
            end(packetID)
            ledger[dropped: reason] += 1
        }
    }

    /// Takes out the waiting message of `topic`. Looks through the mailbox, whose size is bounded by the offline limit.
    mutating func supersede(_ topic: TopicName) {
        if tail.count > 0, drop(tail.removeLatest(of: topic), .superseded) { return }
        guard let index = waiting.lastIndex(where: { $0.message.isNamed(topic) }) else { return }
        drop(at: index, .superseded)
    }
}
