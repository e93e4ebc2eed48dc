import Dispatch
import Messaging
import Synchronization

/// Reads queued deliveries back, on a connection and a thread of its own. It meets the writer only to look up where they lie.
final class PageReader: Sendable {
    private let row: Mutex<DeliveryStatement?>
    private let queue = DispatchQueue(label: "apus.store.reader")

    init(_ database: sending Database) throws(DatabaseError) { row = Mutex(try DeliveryStatement(database)) }

    func close() { row.withLock { $0 = nil } }

    func perform(_ work: @escaping @Sendable () -> Void) { queue.async(execute: work) }

    func perform(after delay: Duration, _ work: @escaping @Sendable () -> Void) {
        queue.asyncAfter(deadline: .now() + .nanoseconds(Int(delay.wholeNanoseconds)), execute: work)
    }

    /// The deliveries with these keys, in their order. Those that are gone or lie on a damaged page are left out.
    /// - Returns: nil when the reader is closed.
    func deliveries(_ ids: [Int64]) throws(DatabaseError) -> [QueuedRecord]? {
        try row.withLock { row throws(DatabaseError) -> [QueuedRecord]? in
            guard let row else { return nil }
            var records: [QueuedRecord] = []
            records.reserveCapacity(ids.count)
            for id in ids {
                do throws(DatabaseError) {
                    if let record = try row.delivery(id) { records.append(record) }
                } catch  where error.isDamage {
                    continue
                }
            }
            return records
        }
    }
}

/// Reads one delivery and its message.
struct DeliveryStatement {
    private let statement: Statement

    init(_ database: Database) throws(DatabaseError) {
        statement = try database.prepare(
            "SELECT \(DeliveryRow.columns) FROM queue q JOIN message m ON m.id = q.message WHERE q.id=?")
    }

    /// - Parameter message: where it is known already.
    func delivery(_ id: Int64, message: Message? = nil) throws(DatabaseError) -> QueuedRecord? {
        statement.bind(1, id)
        defer { statement.reset() }
        guard try statement.step() else { return nil }
        return (message ?? DeliveryRow.message(statement)).flatMap { DeliveryRow.record(statement, $0) }
    }
}

extension Plan {
    /// Where the wanted deliveries lie, as far as they are in the file.
    /// - Parameter isCommitted: all of them are.
    /// - Returns: keys in `queue`, and the sequence up to which this tells all.
    func written(_ request: PageRequest, isCommitted: Bool) -> (ids: [Int64], through: UInt64) {
        let (rows, last) = index.rows(of: request.session, in: request.sequences)
        let upper = isCommitted ? request.sequences.upperBound : min(request.sequences.upperBound, last)
        guard let unwritten = rows.first(where: { $0.id >= firstID }) else { return (rows.map(\.id), upper) }
        return (rows.filter { $0.sequence < unwritten.sequence }.map(\.id), min(upper, unwritten.sequence - 1))
    }
}
