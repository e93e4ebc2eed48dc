import Synchronization

/// A value that several threads change and tests wait on: a waiter is asked again after each change, never by the clock.
package final class Shared<Value: Sendable>: Sendable {
    private struct State {
        var value: Value
        var waiters: [UInt64: @Sendable (Value) -> Bool] = [:]
        var lastWaiter: UInt64 = 0
    }

    private let state: Mutex<State>

    package init(_ value: Value) {
        state = Mutex(State(value: value))
    }

    package func read<Result>(_ body: (Value) -> Result) -> Result where Result: Sendable {
        state.withLock { body($0.value) }
    }

    @discardableResult
    package func change<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        state.withLock { state in
            let result = body(&state.value)
            for (number, isServed) in state.waiters where isServed(state.value) { state.waiters[number] = nil }
            return result
        }
    }

    /// Waits until `condition` gives a result; nil when `limit` has passed before.
    package func wait<Result: Sendable>(
        within limit: Duration, until condition: @escaping @Sendable (Value) -> Result?
    ) async -> Result? {
        await withTaskGroup(of: Result?.self) { group in
            let (stream, continuation) = AsyncStream.makeStream(of: Result.self)
            state.withLock { state in
                if let result = condition(state.value) {
                    continuation.yield(result)
                    continuation.finish()
                    return
                }
                state.lastWaiter += 1
                state.waiters[state.lastWaiter] = { value in
                    guard let result = condition(value) else { return false }
                    continuation.yield(result)
                    continuation.finish()
                    return true
                }
            }
            group.addTask {
                for await result in stream { return result }
                return nil
            }
            group.addTask {
                // Cancelled as soon as the result is there.
                try? await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            // Where the machine is so busy that both come at once, what is there counts.
            return (await group.next() ?? nil) ?? read(condition)
        }
    }
}
