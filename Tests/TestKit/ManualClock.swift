package import Messaging
import Synchronization

/// A clock that stands still until a test moves it.
package final class ManualClock: GatewayClock {
    private let nanoseconds: Mutex<Int64>

    /// - Parameter start: the first reading; not zero, so that nothing works only because time began with the test.
    package init(start: Duration = .seconds(1_000)) {
        nanoseconds = Mutex(start.wholeNanoseconds)
    }

    package func now() -> Timestamp { Timestamp(nanoseconds: nanoseconds.withLock { $0 }) }

    package func wallClock() -> Duration { .seconds(1_700_000_000) + .nanoseconds(nanoseconds.withLock { $0 }) }

    package func advance(by duration: Duration) {
        nanoseconds.withLock { $0 += duration.wholeNanoseconds }
    }
}
