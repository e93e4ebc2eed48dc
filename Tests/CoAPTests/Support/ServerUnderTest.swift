@testable import CoAP
import Logging
import Messaging
import Synchronization

/// Runs `body` against a server on a port of the system's choice, and stops it.
func withServer(
    limits: CoAPLimits = CoAPLimits(), routes: (CoAPServer) -> Void,
    _ body: (CoAPServer, Int) async throws -> Void
) async throws {
    var configuration = CoAPServer.Configuration()
    configuration.port = 0
    configuration.limits = limits
    let server = CoAPServer(configuration: configuration, clock: SystemClock(), logger: Logger(label: "test"))
    routes(server)
    let listener = try await server.bind()
    server.serve()
    do {
        try await body(server, listener.port)
    } catch {
        await server.stop()
        throw error
    }
    await server.stop()
}

/// Values that come in on another thread, for tests to wait for.
final class Inbox<Value: Sendable>: Sendable {
    private struct State {
        var values: [Value] = []
        var waiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var values: [Value] { state.withLock { $0.values } }

    func put(_ value: Value) {
        let ready = state.withLock { state in
            state.values.append(value)
            let ready = state.waiting.filter { $0.count <= state.values.count }
            state.waiting.removeAll { $0.count <= state.values.count }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    /// The values, once there are `count` of them.
    func first(_ count: Int) async -> [Value] {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if state.values.count < count { state.waiting.append((count, continuation)) }
                return state.values.count >= count
            }
            if isReady { continuation.resume() }
        }
        return values
    }
}
