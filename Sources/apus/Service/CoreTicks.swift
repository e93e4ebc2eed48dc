import BrokerCore
import Dispatch
import Foundation

/// Calls the core as often as it wants to be called, on a thread of its own. That is all a gateway does that has nothing to do, and a task that sleeps
/// would wake three threads each time.
enum CoreTicks {
    private static let interval = DispatchTimeInterval.milliseconds(100)

    /// Calls again and again until the task is cancelled, which ends the wait early.
    static func run(for broker: CoreBroker) async {
        let isOver = DispatchSemaphore(value: 0)
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let thread = Thread {
                    repeat { broker.tick() } while isOver.wait(timeout: .now() + interval) == .timedOut
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
