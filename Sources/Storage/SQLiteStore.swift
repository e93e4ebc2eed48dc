import Dispatch
import Foundation
package import Logging
package import Messaging
import Synchronization

/// The Store port on one SQLite file.
///
///     append ──▶ open batch ──(1 ms, 10,000 changes)──▶ plan ──▶ one transaction ──▶ committed, handler
///     any thread   one lock                     the writer's thread
///
/// `append` takes a lock and appends to an array. Everything else happens on the writer's thread: a batch is boiled down to a
/// plan (what is enqueued and over within the batch is never written), the plan is written in one transaction, and the
/// commit point moves. When the transaction fails the plan stays and is tried again, with what has come meanwhile.
package final class SQLiteStore: Store {
    private struct Batch {
        var changes: ContiguousArray<StoreChange> = []
        var appended: UInt64 = 0
        /// When its first urgent change came, on the uptime clock; 0 for none.
        var urgentSince: UInt64 = 0
    }

    private struct Wanted: Sendable {
        let request: PageRequest
        let completion: @Sendable (QueuePage) -> Void
    }

    /// Least time between two repairs, each of which copies the whole file.
    private static let repairInterval = Duration.seconds(60)

    package let options: StoreOptions
    private let logger: Logger
    private let gate = BatchGate()
    private let batch = Mutex(Batch())
    /// Nil when closed.
    private let engine: Mutex<StoreEngine?>
    private let file: StoreFile
    private let checkpointer: Checkpointer
    private let reader: PageReader
    /// Pages to be read, until they are committed.
    private let reads = Mutex<[Wanted]>([])
    private let bell = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)
    private let handler = Mutex<(@Sendable (CommitPoint) -> Void)?>(nil)
    private let lossHandler = Mutex<(@Sendable () -> Void)?>(nil)
    private let committedSequence = Atomic<UInt64>(0)
    private let failing = Atomic<Bool>(false)
    private let stopping = Atomic<Bool>(false)
    /// On the uptime clock, in nanoseconds.
    private let repairsAfter = Atomic<UInt64>(0)
    let counters = StoreCounters()

    /// Opens or makes the store and starts its writer.
    /// - Throws: `StoreError` when it cannot be opened, is newer than this program or in use by another process.
    package init(_ options: StoreOptions, logger: Logger = Logger(label: "apus.store")) throws(StoreError) {
        self.options = options
        self.logger = logger
        file = StoreFile(path: options.path, logger: logger, counters: counters)
        try file.makeFolder()
        let lock = try StoreLock(path: options.path + ".lock")
        let started = ContinuousClock.now
        let (database, content) = try file.open { database throws(DatabaseError) in
            try StateReader(database: database, fullDeliveries: options.fullDeliveries).read()
        }
        // A look through the whole file leaves behind as many pages as the connection may keep.
        database.releaseMemory()
        do throws(DatabaseError) {
            let engine = try StoreEngine(database, content, options, lock)
            checkpointer = Checkpointer(try Database(options.path, .readWrite))
            reader = try PageReader(try Database(options.path, .readWrite))
            if content.skipped > 0 {
                logger.warning(
                    "rows of the store make no sense and were left out",
                    metadata: [LogKey.path: "\(options.path)", LogKey.lost: "\(content.skipped)"])
            }
            self.engine = Mutex(engine)
        } catch {
            throw file.error(error)
        }
        logger.debug(
            "store open",
            metadata: [LogKey.path: "\(options.path)", LogKey.duration: "\(ContinuousClock.now - started)"])
        startWriter()
    }

    private func startWriter() {
        let thread = Thread { [weak self] in
            // The store is held during a round only, so that one nobody uses any more can go.
            while let self, self.writeNext() {}
        }
        thread.name = "apus.store"
        thread.start()
    }

    package func load() throws(StoreError) -> StoredState {
        engine.withLock { $0?.takeLoaded() ?? StoredState() }
    }

    // MARK: Appending

    package func append(_ change: StoreChange) -> CommitPoint {
        let (point, rings) = batch.withLock { batch -> (UInt64, Bool) in
            batch.changes.append(change)
            batch.appended += 1
            var rings = batch.changes.count == 1 || batch.changes.count == options.batchLimit
            if batch.urgentSince == 0, change.isUrgent {
                batch.urgentSince = DispatchTime.now().uptimeNanoseconds
                rings = true
            }
            return (batch.appended, rings)
        }
        if rings { bell.signal() }
        return CommitPoint(sequence: point)
    }

    package func beginGroup() { gate.beginGroup() }
    package func endGroup() { gate.endGroup() }

    package var committed: CommitPoint { CommitPoint(sequence: committedSequence.load(ordering: .acquiring)) }
    package var isFailing: Bool { failing.load(ordering: .relaxed) }

    package func onCommit(_ handler: @escaping @Sendable (CommitPoint) -> Void) {
        self.handler.withLock { $0 = handler }
    }

    package func onLoss(_ handler: @escaping @Sendable () -> Void) {
        lossHandler.withLock { $0 = handler }
    }

    /// The counters; the level in force, 1 for `process` and 2 for `disk`; and whether the store is failing.
    package var readings: [CounterReading] {
        counters.readings + [
            CounterReading(name: "durability", value: options.durability == .disk ? 2 : 1),
            CounterReading(name: "failing", value: isFailing ? 1 : 0),
        ]
    }

    package var report: StoreReport {
        StoreReport(
            durability: options.durability, isFailing: isFailing, changes: counters.changes.current,
            batches: counters.transactions.current, failures: counters.failures.current,
            deliveriesWritten: counters.deliveriesWritten.current, octetsWritten: counters.octetsWritten.current,
            commitTime: counters.commitTime.reading, repairs: counters.repairs.current,
            rowsLost: counters.rowsLost.map { CounterReading(name: $0, value: $1.current) })
    }

    // MARK: Reading

    package func read(_ request: PageRequest, completion: @escaping @Sendable (QueuePage) -> Void) {
        reads.withLock { $0.append(Wanted(request: request, completion: completion)) }
        serveReads()
    }

    /// Hands what can be read now to the reader. While nothing can be committed, that is what was before.
    private func serveReads() {
        let all = isFailing
        let ready = reads.withLock { reads in
            guard !reads.isEmpty else { return [Wanted]() }
            let point = committed
            let ready = reads.filter { all || $0.request.after <= point }
            reads.removeAll { all || $0.request.after <= point }
            return ready
        }
        for wanted in ready { reader.perform { [self] in serve(wanted) } }
    }

    private func serve(_ wanted: Wanted) {
        let isCommitted = wanted.request.after <= committed
        let written = engine.withLock { $0?.plan.written(wanted.request, isCommitted: isCommitted) }
        guard let written else { return }
        guard written.through >= wanted.request.sequences.lowerBound else {
            // None of them is in the file yet. The commit may have come meanwhile.
            reads.withLock { $0.append(wanted) }
            if wanted.request.after <= committed { serveReads() }
            return
        }
        do throws(DatabaseError) {
            guard let findings = try reader.deliveries(written.ids) else { return }
            report(findings)
            wanted.completion(QueuePage(records: findings.records, through: written.through))
        } catch {
            counters.readFailures.add()
            logger.error(
                "the store cannot be read, queued messages wait",
                metadata: [LogKey.path: "\(options.path)", LogKey.reason: "\(error.sentence)"])
            reader.perform(after: options.retryInterval) { [self] in serve(wanted) }
        }
    }

    /// What is lost is told to the core by not being in the page; removing it from the file brings the repair.
    private func report(_ findings: PageReader.Findings) {
        counters.deliveriesRead.add(UInt64(findings.records.count))
        guard let first = findings.unreadable.first, let last = findings.unreadable.last else { return }
        counters.deliveriesUnreadable.add(UInt64(findings.unreadable.count))
        logger.error(
            "queued messages lie on a damaged page and are lost",
            metadata: [
                LogKey.path: "\(options.path)", LogKey.lost: "\(findings.unreadable.count)",
                LogKey.rows: "\(first)...\(last)",
            ])
    }

    // MARK: Writing

    /// One round of the writer: waits for a batch and writes it.
    /// - Returns: false when the store is closed.
    private func writeNext() -> Bool {
        waitForBatch()
        let isStopping = stopping.load(ordering: .acquiring)
        writeBatch()
        guard isStopping else { return true }
        ended.signal()
        return false
    }

    /// Returns when there is something to write: an urgent change and its company, many changes, or old ones.
    private func waitForBatch() {
        if isFailing {
            _ = bell.wait(timeout: .now() + options.retryInterval.dispatch)
            return
        }
        // A store nobody holds any more must get out of here now and then.
        _ = bell.wait(timeout: .now() + .seconds(1))
        let idleSince = DispatchTime.now()
        while !stopping.load(ordering: .acquiring) {
            let (count, urgentSince) = batch.withLock { ($0.changes.count, $0.urgentSince) }
            guard count > 0, count < options.batchLimit else { return }
            let deadline =
                urgentSince == 0
                ? idleSince + options.idleLinger.dispatch
                : DispatchTime(uptimeNanoseconds: urgentSince) + options.linger.dispatch
            guard deadline > .now(), bell.wait(timeout: deadline) == .success else { return }
        }
    }

    private func writeBatch() {
        var closed = Batch()
        gate.close {
            batch.withLock { batch in
                closed.appended = batch.appended
                swap(&closed.changes, &batch.changes)
                batch.urgentSince = 0
            }
        }
        let outcome = engine.withLock { engine in
            engine?.write(closed.changes, base: options.durability, counters) ?? .success(0)
        }
        counters.changes.add(UInt64(closed.changes.count))
        switch outcome {
        case .success(let walPages):
            recovered()
            publishCommitted(closed.appended)
            checkpoint(walPages)
        case .failure(let error):
            failed(error)
            if error.isDamage, repair() { writeBatch() }
        }
    }

    /// Exchanges a file that turned out to be damaged, as a start does, while queues and publishers wait.
    /// - Returns: whether the new file can be written.
    private func repair() -> Bool {
        let now = DispatchTime.now().uptimeNanoseconds
        guard now >= repairsAfter.load(ordering: .relaxed) else { return false }
        repairsAfter.store(now + UInt64(Self.repairInterval.wholeNanoseconds), ordering: .relaxed)
        var outcome: Result<Salvage.Report?, StoreError> = .success(nil)
        reader.whileClosed(options.path) {
            checkpointer.whileClosed(options.path) {
                outcome = Result { () throws(StoreError) in
                    try engine.withLock { engine throws(StoreError) in try engine?.repair(file, options) }
                }
            }
        }
        switch outcome {
        case .success(let report):
            if report?.isOfTheCore == true { lossHandler.withLock { $0 }?() }
            return true
        case .failure(let error):
            logger.error("the damaged store cannot be repaired", metadata: [LogKey.reason: "\(error.description)"])
            return false
        }
    }

    private func publishCommitted(_ sequence: UInt64) {
        guard sequence > committedSequence.load(ordering: .relaxed) else { return }
        committedSequence.store(sequence, ordering: .releasing)
        let handler = handler.withLock { $0 }
        handler?(CommitPoint(sequence: sequence))
        serveReads()
    }

    private func failed(_ error: DatabaseError) {
        counters.failures.add()
        // Room in the log may be had by emptying it.
        checkpointer.request()
        defer { serveReads() }
        guard !failing.exchange(true, ordering: .relaxed) else { return }
        logger.error(
            "the store cannot write; messages that have to be stored are refused until it can, nothing accepted is lost",
            metadata: [LogKey.path: "\(options.path)", LogKey.reason: "\(error.sentence)"])
    }

    private func recovered() {
        guard failing.exchange(false, ordering: .relaxed) else { return }
        logger.notice("the store writes again", metadata: [LogKey.path: "\(options.path)"])
    }

    /// The log is emptied by a connection of its own while batches go on. When it grows faster than that, the writer empties
    /// the rest itself, with nothing coming in between, so that the log begins anew.
    private func checkpoint(_ walPages: Int) {
        if walPages > Checkpointer.mostPages {
            engine.withLock { $0?.checkpoint() }
        } else if walPages > Checkpointer.pages {
            checkpointer.request()
        }
    }

    // MARK: The end

    /// Writes what is there, empties the log and closes the file. Nothing may be appended any more.
    package func close() {
        guard !stopping.exchange(true, ordering: .releasing) else { return }
        bell.signal()
        ended.wait()
        checkpointer.close()
        reader.close()
        // The last connection that closes empties the log, which tells the next start that all was well.
        engine.withLock { $0 = nil }
    }
}

extension StoreChange {
    /// Whether somebody may wait for it. An ended or sent delivery can wait: a crash only sends it again.
    fileprivate var isUrgent: Bool {
        switch self {
        case .dequeue, .putTotals: false
        case .progress(_, _, _, let released): released
        default: true
        }
    }
}

extension Duration {
    fileprivate var dispatch: DispatchTimeInterval { .nanoseconds(Int(wholeNanoseconds)) }
}
