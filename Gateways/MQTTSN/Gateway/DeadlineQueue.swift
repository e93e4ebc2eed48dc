import Messaging

/// Deadlines of many connections, earliest first: a binary heap in one array. An entry is a promise to look, not a fact:
/// who moves a deadline back leaves the entry and is looked at too early once.
struct DeadlineQueue {
    private var heap: [(deadline: Timestamp, serial: UInt64)] = []

    var earliest: Timestamp? { heap.first?.deadline }
    var count: Int { heap.count }

    mutating func insert(_ serial: UInt64, at deadline: Timestamp) {
        heap.append((deadline, serial))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].deadline < heap[parent].deadline else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the earliest entry that is due.
    mutating func popDue(now: Timestamp) -> UInt64? {
        guard let first = heap.first, first.deadline <= now else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first.serial }
        heap[0] = last
        sink()
        return first.serial
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].deadline < heap[least].deadline {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
