import Messaging

/// What the writer's thread works with; others only come in while it does not run a transaction.
struct StoreEngine: ~Copyable {
    private struct Connection {
        let database: Database
        let writer: TransactionWriter

        init(_ database: Database, _ options: StoreOptions) throws(DatabaseError) {
            self.database = database
            writer = try TransactionWriter(database)
            if let octets = options.maximumOctets { try database.limit(octets: octets) }
            database.countWALPages()
        }
    }

    /// Nil when the file could not be opened again after a repair.
    private var connection: Connection?
    /// Kept while the file is open.
    private let lock: StoreLock
    private(set) var plan = Plan()
    private var loaded: StoredState?

    init(
        _ database: Database, _ content: StateReader.Result, _ options: StoreOptions, _ lock: StoreLock
    ) throws(DatabaseError) {
        connection = try Connection(database, options)
        self.lock = lock
        loaded = content.state
        plan.resume(content.index, afterDelivery: content.lastDelivery, afterMessage: content.lastMessage)
    }

    /// What the file held at the start; once.
    mutating func takeLoaded() -> StoredState {
        defer { loaded = nil }
        return loaded ?? StoredState()
    }

    func checkpoint() { _ = try? connection?.database.checkpoint() }

    /// Plans and writes.
    /// - Returns: pages in the log afterwards.
    mutating func write(
        _ changes: ContiguousArray<StoreChange>, base: Durability, _ counters: StoreCounters
    ) -> Result<Int, DatabaseError> {
        for change in changes { plan.apply(change, base: base) }
        guard !plan.isEmpty else {
            plan.finish()
            return .success(0)
        }
        guard let connection else { return .failure(.damaged) }
        let pagesBefore = connection.database.walPages
        let began = ContinuousClock.now
        do throws(DatabaseError) {
            try connection.writer.write(plan)
        } catch {
            return .failure(error)
        }
        counters.commitTime.record(ContinuousClock.now - began)
        counters.transactions.add()
        counters.octetsWritten.add(connection.database.octetsAppended(since: pagesBefore))
        counters.deliveriesWritten.add(UInt64(plan.survivingDeliveries))
        plan.finish()
        return .success(connection.database.walPages)
    }

    /// Exchanges the damaged file for one with what can be read of it. Keys stay what they are, so plan and index hold on: what the new
    /// file lacks of them is gone.
    mutating func repair(_ file: StoreFile, _ options: StoreOptions) throws(StoreError) -> Salvage.Report {
        connection = nil
        do throws(StoreError) {
            let (database, report) = try file.salvageAndOpen(isServing: true)
            try open(database, file, options)
            return report
        } catch {
            // Nothing has been exchanged: what can be read still can.
            if let database = try? Database(options.path, .readWrite) { try? open(database, file, options) }
            throw error
        }
    }

    private mutating func open(
        _ database: Database, _ file: StoreFile, _ options: StoreOptions
    ) throws(StoreError) {
        do {
            connection = try Connection(database, options)
        } catch {
            throw file.error(error)
        }
    }
}
