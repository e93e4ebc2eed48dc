import BrokerCore
import CLinux
import Messaging
import Telemetry

/// Holds the process to `limits.memory`: tells the core how much memory there is in use.
struct MemoryWatch {
    private var trimmedAt: ContinuousClock.Instant?

    /// To be called every tenth of a second. The allocator keeps what mailboxes have given back, so above the limit it is asked once a
    /// second to give it to the system.
    mutating func look(for broker: CoreBroker) {
        guard broker.limits.memory != nil, broker.noteMemory(resident: ProcessReading.residentOctets()) else { return }
        let now = ContinuousClock.now
        if let trimmedAt, now - trimmedAt < .seconds(1) { return }
        trimmedAt = now
        malloc_trim(0)
        broker.noteMemory(resident: ProcessReading.residentOctets())
    }
}
