import Logging
import Messaging

/// The gateways of one process, started and stopped as one: either all serve or none does.
struct Service: Sendable {
    private let gateways: [any Gateway]
    /// The operators' interface. It opens first and closes last, so that it can tell how far the others are.
    private let admin: (any Gateway)?
    private let phase: ServicePhase

    init(gateways: [any Gateway], admin: (any Gateway)?, phase: ServicePhase) {
        self.gateways = gateways
        self.admin = admin
        self.phase = phase
    }

    private var all: [any Gateway] { (admin.map { [$0] } ?? []) + gateways }

    /// Opens the sockets of all gateways, then lets all serve.
    /// - Returns: the listeners, the operators' last.
    /// - Throws: the first `BindError`; what was open is closed again.
    func start() async throws(BindError) -> [Listener] {
        var listeners: [Listener] = []
        var bound: [any Gateway] = []
        for gateway in all {
            do {
                listeners += try await gateway.bind()
            } catch {
                for open in bound.reversed() { await open.stop() }
                throw error
            }
            bound.append(gateway)
        }
        for gateway in all { await gateway.serve() }
        phase.serve()
        guard admin != nil, !listeners.isEmpty else { return listeners }
        listeners.append(listeners.removeFirst())
        return listeners
    }

    /// From here on the service counts as stopping.
    func beginStop() { phase.stop() }

    /// Stops the gateways in reverse order; gives up waiting when `timeout` has passed.
    /// - Returns: false when the time was not enough, so that something is still open.
    func stop(within timeout: Duration) async -> Bool {
        beginStop()
        return await withTaskGroup { group in
            group.addTask {
                for gateway in all.reversed() { await gateway.stop() }
                return true
            }
            group.addTask {
                // Ends early, by cancellation, when the gateways were quicker.
                try? await Task.sleep(for: timeout)
                return false
            }
            let inTime = await group.next() ?? true
            group.cancelAll()
            return inTime
        }
    }
}
