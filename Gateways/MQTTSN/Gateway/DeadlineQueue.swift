import Messaging

/// Deadlines of many connections, earliest first: a binary heap that knows where each connection stands in it. So there is one entry for
/// each, which moves; nothing is left behind by who wakes often.
///
/// Connections are known by their place in the `DeviceTable`.
struct DeadlineQueue {
    private struct Entry {
        var deadline: Timestamp
        let place: Int32
    }

    private var heap: ContiguousArray<Entry> = []
    /// By place; -1 for those without deadline.
    private var positions: ContiguousArray<Int32> = []

    var earliest: Timestamp? { heap.first?.deadline }
    var count: Int { heap.count }

    /// - Parameter deadline: nil for none.
    mutating func set(_ place: Int, to deadline: Timestamp?) {
        let position = place < positions.count ? Int(positions[place]) : -1
        guard position < 0 else { return move(position, to: deadline) }
        guard let deadline else { return }
        while positions.count <= place { positions.append(-1) }
        heap.append(Entry(deadline: deadline, place: Int32(place)))
        rise(heap.count - 1)
    }

    /// Takes out the earliest that is due.
    mutating func popDue(now: Timestamp) -> Int? {
        guard let first = heap.first, first.deadline <= now else { return nil }
        move(0, to: nil)
        return Int(first.place)
    }

    private mutating func move(_ position: Int, to deadline: Timestamp?) {
        let old = heap[position].deadline
        guard let deadline else { return remove(position) }
        guard deadline != old else { return }
        heap[position].deadline = deadline
        if deadline < old { rise(position) } else { sink(position) }
    }

    private mutating func remove(_ position: Int) {
        let removed = heap[position]
        let last = heap.removeLast()
        positions[Int(removed.place)] = -1
        guard position < heap.count else { return }
        heap[position] = last
        if last.deadline < removed.deadline { rise(position) } else { sink(position) }
    }

    private mutating func rise(_ position: Int) {
        var child = position
        while child > 0, heap[child].deadline < heap[(child - 1) / 2].deadline {
            swap(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
        note(child)
    }

    private mutating func sink(_ position: Int) {
        var parent = position
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].deadline < heap[least].deadline {
                least = child
            }
            guard least != parent else { return note(parent) }
            swap(parent, least)
            parent = least
        }
    }

    private mutating func swap(_ one: Int, _ other: Int) {
        heap.swapAt(one, other)
        note(one)
        note(other)
    }

    private mutating func note(_ position: Int) { positions[Int(heap[position].place)] = Int32(position) }
}
