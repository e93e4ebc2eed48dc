import Synchronization

/// Which event loop takes a listener's next connection.
///
/// What goes from a client to another on the same loop costs no call of another thread, which is most of what a single message costs, and no
/// wait for what another processor's cache holds. One loop passes on a million messages a second and more. So the first connections share one
/// loop; with more of them, all loops have the same number, give or take `stride`.
struct LoopTurns {
    /// Connections that one loop may have more than another.
    private let stride: Int
    /// Connections open, by loop.
    private var open: [Int]
    /// The loop that accepts.
    private(set) var current = 0

    var loops: Int { open.count }

    init(loops: Int, stride: Int) {
        open = Array(repeating: 0, count: loops)
        self.stride = stride
    }

    /// A connection has come in on `loop`.
    /// - Returns: the loop to accept from now on, when it is another.
    mutating func began(on loop: Int) -> Int? {
        open[loop] += 1
        guard loop == current, let least = open.indices.min(by: { open[$0] < open[$1] }),
            open[loop] >= open[least] + stride
        else { return nil }
        current = least
        return least
    }

    mutating func ended(on loop: Int) { open[loop] -= 1 }
}
