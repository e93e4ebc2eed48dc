import LoadGenerator

/// Messages that did not arrive once and in order, summed over all runs of one broker, warm-up included.
struct DeliveryFaults: Encodable, Equatable {
    var lost = 0
    var doubled = 0
    /// Overtaken by one that was sent later.
    var outOfOrder = 0

    /// Nil when the broker had no run in which something was sent.
    init?(_ runs: [Comparison.Run], of broker: MeasuredBroker.Kind) {
        let results = runs.filter { $0.broker == broker }.flatMap(\.results)
        guard !results.isEmpty else { return nil }
        for result in results {
            lost += result.lost
            doubled += result.doubled
            outOfOrder += result.outOfOrder
        }
    }

    /// As a person reads it: `0/0/0`.
    var text: String { "\(lost)/\(doubled)/\(outOfOrder)" }
}
