import BrokerCore
import CAllocator
import Messaging
import Telemetry

/// Gives memory back that is not used any more, and holds the process to `limits.memory`: tells the core how much there is in use.
struct MemoryWatch {
    private var trimmedAt: ContinuousClock.Instant?

    /// A publisher at full speed brings some megabytes from one look to the next.
    private static let interval = Duration.milliseconds(10)
    /// Rare enough that it costs nothing to ask for some of it again at once.
    private static let timeKept = Duration.seconds(10)

    /// Gives back what was freed, again and again until the task is cancelled.
    static func giveBack() async {
        while (try? await Task.sleep(for: timeKept)) != nil { allocator_give_back() }
    }

    /// Looks again and again until the task is cancelled; not at all without a limit.
    static func run(for broker: CoreBroker) async {
        guard broker.limits.memory != nil else { return }
        var watch = MemoryWatch()
        while !Task.isCancelled {
            watch.look(for: broker)
            try? await Task.sleep(for: interval)
        }
    }

    /// The allocator keeps what mailboxes have given back, so above the limit it is asked once a second to give it to the system.
    private mutating func look(for broker: CoreBroker) {
        guard broker.noteMemory(resident: ProcessReading.residentOctets()) else { return }
        let now = ContinuousClock.now
        if let trimmedAt, now - trimmedAt < .seconds(1) { return }
        trimmedAt = now
        allocator_give_back()
        broker.noteMemory(resident: ProcessReading.residentOctets())
    }
}
