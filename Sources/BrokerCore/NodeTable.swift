/// Finds the nodes of a `LevelTree` by hash.
///
/// Open addressing: a node lies at the place its hash calls for or, when that is taken, a little behind it. Hash and node together
/// are eight octets, and so most searches, those in vain above all, meet one line of memory. Places rise with the hashes; so the table
/// can grow by a half, in one pass through the old and the new one, and is never more than half empty.
struct NodeTable: ~Copyable {
    /// All zero when it is free, as new memory is.
    struct Slot {
        var hash: UInt32
        private var successor: Int32

        static let free = Slot(hash: 0, node: -1)

        init(hash: UInt32, node: Int32) {
            self.hash = hash
            successor = node + 1
        }

        /// Negative when the slot is free.
        var node: Int32 { successor - 1 }
    }

    private var slots = FlatArray<Slot>(zeros: 64)
    private var count = 0

    /// Of memory.
    var octets: Int { slots.octets }

    mutating func insert(_ node: Int32, hash: UInt32) {
        if (count + 1) * 4 > slots.count * 3 { grow() }
        place(Slot(hash: hash, node: node))
        count += 1
    }

    /// - Parameter hash: the one it was inserted with.
    mutating func remove(_ node: Int32, hash: UInt32) {
        var hole = home(of: hash)
        while slots[hole].node != node { hole = next(after: hole) }
        // What was pushed behind its place by this one, or by one that was, moves up.
        var other = next(after: hole)
        while slots[other].node >= 0 {
            if distance(from: home(of: slots[other].hash), to: other) >= distance(from: hole, to: other) {
                slots[hole] = slots[other]
                hole = other
            }
            other = next(after: other)
        }
        slots[hole] = .free
        count -= 1
    }

    private mutating func place(_ slot: Slot) {
        var place = home(of: slot.hash)
        while slots[place].node >= 0 { place = next(after: place) }
        slots[place] = slot
    }

    private mutating func grow() {
        var old = FlatArray<Slot>(zeros: slots.count + slots.count / 2)
        swap(&old, &slots)
        for place in old.indices where old[place].node >= 0 { self.place(old[place]) }
    }

    private func home(of hash: UInt32) -> Int { Self.home(of: hash, slots.count) }

    @inline(__always)
    private static func home(of hash: UInt32, _ slots: Int) -> Int {
        Int(truncatingIfNeeded: (UInt64(hash) &* UInt64(truncatingIfNeeded: slots)) >> 32)
    }

    private func next(after place: Int) -> Int { place + 1 == slots.count ? 0 : place + 1 }

    private func distance(from start: Int, to end: Int) -> Int {
        end >= start ? end - start : end - start + slots.count
    }

    /// Lends the table for a walk that must not check bounds at each step.
    @inline(__always)
    func withView<Result>(_ body: (View) -> Result) -> Result {
        slots.withElements { body(View(slots: $0)) }
    }

    struct View {
        fileprivate let slots: UnsafeBufferPointer<Slot>

        /// Asks memory for where `find` begins.
        @inline(__always)
        func prefetch(_ hash: UInt32) {
            slots.prefetch(Int32(truncatingIfNeeded: NodeTable.home(of: hash, slots.count)))
        }

        /// The node with this hash that `isWanted`, or -1.
        @inline(__always)
        func find(_ hash: UInt32, _ isWanted: (Int32) -> Bool) -> Int32 {
            // A quarter of the slots is free, so the search ends; places lie in the table by construction.
            var place = NodeTable.home(of: hash, slots.count)
            while true {
                let slot = slots[place]
                if slot.node < 0 || slot.hash == hash && isWanted(slot.node) { return slot.node }
                place = place + 1 == slots.count ? 0 : place + 1
            }
        }
    }
}
