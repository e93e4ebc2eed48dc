import DequeModule
import Messaging

/// Copies of the messages of a run, for all receivers but the last.
///
/// Where many receive, those of each lane get a message of their own: threads that count references to one message, or look at what lies beside
/// the count, wait for each other's processor at each step. To make another is cheap beside that.
struct RunCopies: ~Copyable {
    /// Receivers from which on lanes get messages of their own.
    static let manyReceivers = 32

    /// Those of a lane stand together, in the order of the run.
    private var copies = UniqueDeque<MessageCopies>()
    private var lanes: [UInt8] = []
    /// In the run.
    private var messages = 0

    /// Begins with copies of a run's messages for the publisher's lane.
    /// - Parameters:
    ///   - batch: begins with the run.
    ///   - count: receivers to come.
    mutating func begin(
        _ batch: borrowing MessageBatch, _ run: ContiguousArray<RouteScratch.Arrival>, lane: UInt8, count: Int
    ) {
        messages = run.count
        lanes.append(lane)
        for arrival in run { copies.append(MessageCopies(of: batch[arrival.message], count: count)) }
    }

    /// Where the copies for `lane` begin.
    /// - Parameter count: receivers to come, this one included.
    mutating func start(
        for lane: UInt8, _ batch: borrowing MessageBatch, _ run: ContiguousArray<RouteScratch.Arrival>, count: Int
    ) -> Int {
        if let known = lanes.firstIndex(of: lane) { return known * messages }
        lanes.append(lane)
        for arrival in run { copies.append(MessageCopies(of: batch[arrival.message].duplicate(), count: count)) }
        return (lanes.count - 1) * messages
    }

    /// Takes one out.
    mutating func take(_ index: Int) -> Message { copies[index].take() }

    /// What nobody has taken is given back.
    mutating func end() {
        while !copies.isEmpty { _ = copies.removeLast() }
        lanes.removeAll(keepingCapacity: true)
    }
}
