import Logging
import Messaging

/// The gateways of one process, started and stopped as one: either all serve or none does.
struct Service: Sendable {
    private let gateways: [any Gateway]

    init(gateways: [any Gateway]) {
        self.gateways = gateways
    }

    /// Opens the sockets of all gateways, then lets all serve.
    /// - Throws: the first `BindError`; what was open is closed again.
    func start() async throws(BindError) -> [Listener] {
        var listeners: [Listener] = []
        var bound: [any Gateway] = []
        for gateway in gateways {
            do {
                listeners += try await gateway.bind()
            } catch {
                for open in bound.reversed() { await open.stop() }
                throw error
            }
            bound.append(gateway)
        }
        for gateway in gateways { await gateway.serve() }
        return listeners
    }

    /// Stops the gateways in reverse order; gives up waiting when `timeout` has passed.
    /// - Returns: false when the time was not enough, so that something is still open.
    func stop(within timeout: Duration) async -> Bool {
        await withTaskGroup { group in
            group.addTask {
                for gateway in gateways.reversed() { await gateway.stop() }
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

    /// What each gateway counted.
    var counters: [(name: String, counters: [CounterReading])] {
        gateways.map { ($0.name, $0.counters()) }
    }
}
