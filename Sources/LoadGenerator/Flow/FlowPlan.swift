/// What flows, and how hard it is driven.
struct FlowPlan: Sendable {
    /// How the subscribers' sessions live.
    enum Sessions: Sendable {
        /// As long as the connection.
        case clean
        /// Longer than the connection, which stays all the time.
        case durable
        /// As `durable`, but the subscribers are away while messages are published, and fetch them afterwards.
        case away
    }

    var name: String
    /// What `RunResult.count` says.
    var count: Int
    var topology: Topology
    /// Messages each publisher keeps on the way.
    var window: Int
    /// Messages per second of each publisher; nil for as many as the window allows.
    var rate: Double?
    var sessions = Sessions.clean

    /// Arrivals that end a message's stay in its window, besides the broker's acknowledgement.
    var copiesAwaited: Int { sessions == .away ? 0 : topology.copies }
}
