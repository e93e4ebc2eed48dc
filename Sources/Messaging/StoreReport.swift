/// A store at one moment, for operators.
public struct StoreReport: Sendable, Equatable {
    /// What a commit survives at least.
    public var durability: Durability
    /// It cannot write at the moment (`Store.isFailing`).
    public var isFailing: Bool
    /// Changes handed over since the start.
    public var changes: UInt64
    /// Batches written, one transaction each.
    public var batches: UInt64
    /// Batches that could not be written and were tried again.
    public var failures: UInt64
    /// Deliveries written; the others were over before their batch was.
    public var deliveriesWritten: UInt64
    /// Octets appended to the store's log.
    public var octetsWritten: UInt64
    /// Time from beginning a batch's transaction to its commit, in seconds.
    public var commitTime: HistogramReading
    /// Times a damaged file was exchanged for what could be read of it, at the start or since.
    public var repairs: UInt64
    /// Rows that were lost with that, by table, as far as is known.
    public var rowsLost: [CounterReading]

    public init(
        durability: Durability, isFailing: Bool, changes: UInt64, batches: UInt64, failures: UInt64,
        deliveriesWritten: UInt64, octetsWritten: UInt64, commitTime: HistogramReading, repairs: UInt64,
        rowsLost: [CounterReading]
    ) {
        self.durability = durability
        self.isFailing = isFailing
        self.changes = changes
        self.batches = batches
        self.failures = failures
        self.deliveriesWritten = deliveriesWritten
        self.octetsWritten = octetsWritten
        self.commitTime = commitTime
        self.repairs = repairs
        self.rowsLost = rowsLost
    }
}
