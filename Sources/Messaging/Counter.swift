import Synchronization

/// A number that only grows, counted from any thread.
package final class Counter: Sendable {
    private let value = Atomic<UInt64>(0)

    package init() {}

    package func add(_ amount: UInt64 = 1) { value.wrappingAdd(amount, ordering: .relaxed) }
    package var current: UInt64 { value.load(ordering: .relaxed) }
}

/// A counter's name and value at one moment.
package struct CounterReading: Sendable, Equatable {
    /// Lower case with underscores, as in metrics.
    package let name: String
    package let value: UInt64

    package init(name: String, value: UInt64) {
        self.name = name
        self.value = value
    }
}
