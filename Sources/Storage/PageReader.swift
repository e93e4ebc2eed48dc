import Dispatch
import Messaging
import Synchronization

/// Reads queued deliveries back, on a connection and a thread of its own. It meets the writer only to look up where they lie.
final class PageReader: Sendable {
    private enum Row {
        case open(DeliveryStatement)
        /// The file has been exchanged, and the new one cannot be opened.
        case exchanged
        case closed
    }

    private let row: Mutex<Row>
    private let queue = DispatchQueue(label: "apus.store.reader")

    init(_ database: sending Database) throws(DatabaseError) { row = Mutex(.open(try DeliveryStatement(database))) }

    func close() { row.withLock { $0 = .closed } }

    /// Lets go of the file while `exchange` puts another in its place; who wants to read waits.
    func whileClosed(_ path: String, exchange: () -> Void) {
        row.withLock { row in
            row = .exchanged
            exchange()
            if let database = try? Database(path, .readWrite), let statement = try? DeliveryStatement(database) {
                row = .open(statement)
            }
        }
    }

    func perform(_ work: @escaping @Sendable () -> Void) { queue.async(execute: work) }

    func perform(after delay: Duration, _ work: @escaping @Sendable () -> Void) {
        queue.asyncAfter(deadline: .now() + .nanoseconds(Int(delay.wholeNanoseconds)), execute: work)
    }

    /// What was found of the wanted deliveries.
    struct Findings {
        var records: [QueuedRecord] = []
        /// Keys of those that lie on damaged pages.
        var unreadable: [Int64] = []
    }

    /// The deliveries with these keys, in their order. Those that are gone or lie on a damaged page are left out.
    /// - Returns: nil when the reader is closed.
    func deliveries(_ ids: [Int64]) throws(DatabaseError) -> Findings? {
        try row.withLock { row throws(DatabaseError) -> Findings? in
            let statement: DeliveryStatement
            switch row {
            case .open(let open): statement = open
            case .exchanged: throw .notOpen
            case .closed: return nil
            }
            var findings = Findings()
            findings.records.reserveCapacity(ids.count)
            for id in ids {
                do throws(DatabaseError) {
                    if let record = try statement.delivery(id) { findings.records.append(record) }
                } catch  where error.isDamage {
                    findings.unreadable.append(id)
                }
            }
            return findings
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
