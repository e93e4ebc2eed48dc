package import Messaging

/// What a store did since its start, for metrics.
package struct StoreCounters: Sendable {
    package let changes = Counter()
    package let transactions = Counter()
    /// Deliveries that reached the file; the others were over before.
    package let deliveriesWritten = Counter()
    /// Transactions that failed and were tried again.
    package let failures = Counter()

    package var readings: [CounterReading] {
        [
            CounterReading(name: "changes", value: changes.current),
            CounterReading(name: "transactions", value: transactions.current),
            CounterReading(name: "deliveries_written", value: deliveriesWritten.current),
            CounterReading(name: "failures", value: failures.current),
        ]
    }
}
