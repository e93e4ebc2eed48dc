import Synchronization

/// A number that only grows, counted from any thread.
public final class Counter: Sendable {
    private let value = Atomic<UInt64>(0)

    public init() {}

    public func add(_ amount: UInt64 = 1) { value.wrappingAdd(amount, ordering: .relaxed) }
    public var current: UInt64 { value.load(ordering: .relaxed) }
}

/// A counter's name and value at one moment.
public struct CounterReading: Sendable, Equatable {
    /// Lower case with underscores, as in metrics.
    public let name: String
    public let value: UInt64

    public init(name: String, value: UInt64) {
        self.name = name
        self.value = value
    }
}
