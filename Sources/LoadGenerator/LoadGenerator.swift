import Foundation

/// Many MQTT clients against one broker, every message numbered and checked. Each scenario is one call and gives one or more
/// results; it occupies a thread of its own until it is over.
package struct LoadGenerator: Sendable {
    package var settings: LoadSettings
    /// Called some times a second with how far a run has come, on the generator's thread.
    package var progress: @Sendable (LoadProgress) -> Void = { _ in }

    package init(_ settings: LoadSettings) { self.settings = settings }

    // MARK: Messages through publishers and subscribers

    /// Messages through any topology.
    /// - Parameters:
    ///   - count: what the result says of the run's size.
    ///   - window: messages each publisher keeps on the way.
    package func flow(_ name: String, _ topology: Topology, count: Int, window: Int) async throws -> RunResult {
        try await run(FlowPlan(name: name, count: count, topology: topology, window: window))
    }

    /// n publishers to n subscribers, one to one.
    package func pairs(_ count: Int, window: Int) async throws -> RunResult {
        try await flow("pairs", .pairs(count, prefix: settings.prefix), count: count, window: window)
    }

    /// n publishers to one subscriber.
    package func fanIn(_ count: Int, window: Int) async throws -> RunResult {
        try await flow("fan-in", .fanIn(count, prefix: settings.prefix), count: count, window: window)
    }

    /// One publisher to n subscribers.
    package func fanOut(_ count: Int, window: Int) async throws -> RunResult {
        try await flow("fan-out", .fanOut(count, prefix: settings.prefix), count: count, window: window)
    }

    /// Pairs with one message at a time each.
    /// - Parameter rate: messages per second of each pair; nil for the next one as soon as one has arrived.
    package func latency(_ count: Int, rate: Double?) async throws -> RunResult {
        var plan = FlowPlan(name: "latency", count: count, topology: .pairs(count, prefix: settings.prefix), window: 1)
        plan.rate = rate
        return try await run(plan)
    }

    /// Subscribing to n filters with wildcards, and publishing to topics that match one each.
    package func wildcards(_ count: Int, window: Int) async throws -> [RunResult] {
        let plan = FlowPlan(
            name: "wildcards", count: count, topology: .wildcards(count, prefix: settings.prefix), window: window)
        return try await onThread {
            let run = try FlowRun(plan, settings, progress: ProgressReport(tell: progress))
            var published = try run.run()
            published.name += " publish"
            return [run.subscribing, published].compactMap(\.self)
        }
    }

    /// Pairs whose subscribers' sessions outlive their connections.
    package func durable(_ count: Int, window: Int) async throws -> RunResult {
        var plan = FlowPlan(
            name: "durable", count: count, topology: .pairs(count, prefix: settings.prefix), window: window)
        plan.sessions = .durable
        return try await run(plan)
    }

    /// As `durable`, with subscribers that are away and fetch everything afterwards. Unless messages are counted, 1,000 for each
    /// subscriber.
    package func durableAway(_ count: Int, window: Int) async throws -> [RunResult] {
        var plan = FlowPlan(
            name: "durable", count: count, topology: .pairs(count, prefix: settings.prefix), window: window)
        plan.sessions = .away
        return try await onThread { [plan] in
            try FlowRun(plan, settings, progress: ProgressReport(tell: progress)).runWithSubscribersAway()
        }
    }

    // MARK: Other

    /// n connections that say nothing.
    package func idle(_ count: Int) async throws -> RunResult {
        try await onThread { try IdleRun(count, settings, progress: ProgressReport(tell: progress)).run() }
    }

    /// Connections one after the other, n at a time.
    package func connect(_ atOnce: Int) async throws -> RunResult {
        try await onThread { try ConnectRun(atOnce, settings, progress: ProgressReport(tell: progress)).run() }
    }

    /// Storing n retained messages, and reading one after the other.
    /// - Parameter keepsMessages: leaves the messages in the broker.
    package func retained(_ count: Int, window: Int, keepsMessages: Bool = false) async throws -> [RunResult] {
        try await onThread {
            try RetainedRun(
                count, window: window, keepsMessages: keepsMessages, settings, progress: ProgressReport(tell: progress)
            ).run()
        }
    }

    // MARK: MQTT-SN

    /// n nodes that fall asleep, wake for nothing, get messages from MQTT clients, and wake to fetch them.
    /// - Parameters:
    ///   - backlog: messages for each node; with 0 the last two are left out.
    ///   - udpPort: of the gateway; the settings have its broker's.
    package func sleepers(_ count: Int, backlog: Int, udpPort: Int) async throws -> [RunResult] {
        try await onThread {
            try SleeperRun(
                count, backlog: backlog, port: udpPort, settings, progress: ProgressReport(tell: progress)
            ).run()
        }
    }

    /// n nodes that are awake and publish to one MQTT client.
    package func nodePublishers(_ count: Int, udpPort: Int) async throws -> RunResult {
        try await onThread {
            try NodePublishRun(count, port: udpPort, settings, progress: ProgressReport(tell: progress)).run()
        }
    }

    private func run(_ plan: FlowPlan) async throws -> RunResult {
        try await onThread { try FlowRun(plan, settings, progress: ProgressReport(tell: progress)).run() }
    }

    /// Runs `body` on a new thread: it waits for sockets, which the threads of Swift's tasks must not.
    private func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Swift.Result { try body() }) }
        }
    }
}
