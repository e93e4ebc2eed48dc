extension FlowRun {
    /// Messages for subscribers that are away: they are stored, then the subscribers come back and fetch them.
    /// - Returns: the storing and the fetching.
    func runWithSubscribersAway() throws(LoadError) -> [RunResult] {
        defer { connector.disconnectAll() }
        try subscribeAll()
        connector.disconnectAll()
        try connector.connect(publishers, named: "pub")
        let messages =
            if case .messages(let count) = settings.extent { count } else { Self.messagesPerMailbox * plan.count }
        let (start, end) = try flow(messages: messages)
        var stored = try RunResult(
            "\(plan.name) store", count: plan.count, window: plan.window, from: start, to: end, settings: settings)
        stored.unit = "message stored"
        stored.tell(acknowledgementLatency, of: "publish to acknowledgement")
        let fetched = try fetch(messages)
        try connector.forgetSessions()
        stored.published = messages
        return [stored, check(fetched)]
    }

    /// What a broker with default settings keeps for a client that is away.
    private static var messagesPerMailbox: Int { 1_000 }

    private func fetch(_ messages: Int) throws(LoadError) -> RunResult {
        progress.phase("fetching")
        let start = try Sample(operations: delivered, broker: settings.broker)
        try connector.reconnect(subscribers, named: "sub")
        do {
            try loop.run(for: "the stored messages", patience: settings.patience.nanoseconds) {
                delivered >= messages * plan.topology.copies
            }
        } catch .stalled {}
        let end = try Sample(operations: delivered, broker: settings.broker)
        var result = try RunResult("\(plan.name) fetch", count: plan.count, from: start, to: end, settings: settings)
        result.unit = "message fetched"
        return result
    }
}
