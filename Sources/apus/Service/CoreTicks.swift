import Dispatch
import Foundation

/// Calls what has to be looked at ten times a second, the core above all, on a thread of its own. That is all a gateway does that has nothing to do, and a
/// task that sleeps would wake three threads each time.
enum CoreTicks {
    private static let interval = DispatchTimeInterval.milliseconds(100)

    /// Calls `tick` again and again until the task is cancelled, which ends the wait early.
    static func run(_ tick: @escaping @Sendable () -> Void) async {
        let isOver = DispatchSemaphore(value: 0)
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let thread = Thread {
                    repeat { tick() } while isOver.wait(timeout: .now() + interval) == .timedOut
                    continuation.resume()
                }
                thread.name = "apus.ticks"
                thread.start()
            }
        } onCancel: {
            isOver.signal()
        }
    }
}
