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
    /// Times the damaged file was exchanged for what could be read of it.
    let repairs = Counter()
    /// Transactions that failed and were tried again.
    let failures = Counter()
    let octetsWritten = Counter()
    /// Of each transaction, the disk's part included.
    let commitTime = DurationHistogram(
        bounds: [.microseconds(100), .microseconds(500)]
            + [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000].map { .milliseconds($0) })

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
        ]
    }
}
