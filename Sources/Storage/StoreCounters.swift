import Messaging

/// What a store did since its start, for metrics.
struct StoreCounters: Sendable {
    let changes = Counter()
    let transactions = Counter()
    /// Deliveries that reached the file; the others were over before.
    let deliveriesWritten = Counter()
    /// Deliveries of long queues read back when their turn came, and reads that failed and were tried again.
    let deliveriesRead = Counter()
    let readFailures = Counter()
    /// Deliveries that lie on damaged pages.
    let deliveriesUnreadable = Counter()
    /// Times a damaged file was exchanged for what could be read of it, and the rows of each table that were lost, as far as is known.
    let repairs = Counter()
    let rowsLost = Schema.tables.map { (table: $0, counter: Counter()) }
    /// Transactions that failed and were tried again.
    let failures = Counter()
    let octetsWritten = Counter()
    /// Of each transaction, the disk's part included.
    let commitTime = DurationHistogram(
        bounds: [.microseconds(100), .microseconds(500)]
            + [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000].map { .milliseconds($0) })

    func count(_ report: Salvage.Report) {
        repairs.add()
        for (table, counter) in rowsLost { counter.add(UInt64(max(0, report.lost[table] ?? 0))) }
    }

    var readings: [CounterReading] {
        [
            CounterReading(name: "changes", value: changes.current),
            CounterReading(name: "transactions", value: transactions.current),
            CounterReading(name: "deliveries_written", value: deliveriesWritten.current),
            CounterReading(name: "deliveries_read", value: deliveriesRead.current),
            CounterReading(name: "read_failures", value: readFailures.current),
            CounterReading(name: "deliveries_unreadable", value: deliveriesUnreadable.current),
            CounterReading(name: "repairs", value: repairs.current),
            CounterReading(name: "failures", value: failures.current),
        ] + rowsLost.map { CounterReading(name: "rows_lost_\($0)", value: $1.current) }
    }
}
