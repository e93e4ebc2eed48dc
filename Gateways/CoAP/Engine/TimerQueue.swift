import Messaging

/// What is to happen later, earliest first: a binary heap. Ties go in the order they were added.
struct TimerQueue<Action> {
    private struct Entry {
        let due: Timestamp
        let serial: UInt64
        let action: Action

        func isBefore(_ other: Entry) -> Bool { (due, serial) < (other.due, other.serial) }
    }

    private var heap: [Entry] = []
    private var serial: UInt64 = 0

    var isEmpty: Bool { heap.isEmpty }
    var nextDue: Timestamp? { heap.first?.due }

    mutating func add(_ action: Action, at due: Timestamp) {
        serial += 1
        heap.append(Entry(due: due, serial: serial, action: action))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// The earliest action, if it is due.
    mutating func popDue(now: Timestamp) -> Action? {
        guard let first = heap.first, first.due <= now else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        sink()
        return first.action
    }

    private mutating func sink() {
        var parent = 0
        while true {
            let left = parent * 2 + 1
            guard left < heap.count else { return }
            let right = left + 1
            let child = right < heap.count && heap[right].isBefore(heap[left]) ? right : left
            guard heap[child].isBefore(heap[parent]) else { return }
            heap.swapAt(child, parent)
            parent = child
        }
    }
}
