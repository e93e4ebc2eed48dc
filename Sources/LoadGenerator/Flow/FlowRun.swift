/// One run of publishers and subscribers: connect, subscribe, warm up, measure, let everything arrive, check.
final class FlowRun {
    let plan: FlowPlan
    let settings: LoadSettings
    let loop: LoadLoop
    let connector: Connector
    let progress: ProgressReport

    private(set) var publishers: [Publisher] = []
    private(set) var subscribers: [Subscriber] = []
    private var readySubscribers = 0
    /// Publishers whose windows have got room in this turn.
    private var credited: [Publisher] = []
    /// Copies that have arrived, doubles left out.
    private(set) var delivered = 0
    /// Messages the broker has taken over, at QoS 1 and 2.
    private(set) var acknowledged = 0
    private(set) var latency = LatencyHistogram()
    private(set) var acknowledgementLatency = LatencyHistogram()
    /// The subscribing, as a result of its own.
    private(set) var subscribing: RunResult?

    init(_ plan: FlowPlan, _ settings: LoadSettings, progress: ProgressReport) throws(LoadError) {
        self.plan = plan
        self.settings = settings
        self.progress = progress
        loop = try LoadLoop(inboxOctets: 1 << 18 + 2 * settings.payloadOctets)
        connector = try Connector(settings, on: loop)
        loop.endOfTurn = { [unowned self] in fillCredited() }
        for index in plan.topology.subscribers.indices { subscribers.append(Subscriber(index, in: self)) }
        for index in plan.topology.publishers.indices { publishers.append(Publisher(index, in: self)) }
    }

    /// Messages of a topology whose receivers are there all the time.
    func run() throws(LoadError) -> RunResult {
        defer { connector.disconnectAll() }
        try subscribeAll()
        try connector.connect(publishers, named: "pub")
        let (start, end) =
            switch settings.extent {
            case .time(let warmUp, let measured): try flow(warmUp: warmUp, measured: measured)
            case .messages(let count): try flow(messages: count)
            }
        var result = try RunResult(
            plan.name, count: plan.count, window: plan.window, from: start, to: end, settings: settings)
        if plan.sessions == .clean {
            result.tell(latency, of: "publish to delivery")
        } else {
            result.tell(acknowledgementLatency, of: "publish to acknowledgement")
        }
        if plan.sessions != .clean { try connector.forgetSessions() }
        return check(result)
    }

    // MARK: Phases

    func subscribeAll() throws(LoadError) {
        progress.phase("subscribing")
        let clients = try connector.connect(subscribers, named: "sub", isDurable: plan.sessions != .clean)
        let start = try sample()
        let residentBefore = try settings.broker?.residentOctets()
        for (subscriber, client) in zip(subscribers, clients) { subscriber.subscribe(by: client) }
        try loop.run(for: "all subscriptions", patience: settings.patience.nanoseconds) {
            readySubscribers == subscribers.count
        }
        let filters = subscribers.reduce(0) { $0 + $1.filterCount }
        var end = try sample()
        end.operations = start.operations + filters
        var result = try RunResult("\(plan.name) subscribe", count: filters, from: start, to: end, settings: settings)
        result.unit = "subscription"
        result.tellGrowth(since: residentBefore, for: filters)
        subscribing = result
    }

    private func flow(warmUp: Duration, measured: Duration) throws(LoadError) -> (Sample, Sample) {
        let begin = Clock.now()
        progress.timed("publishing", on: loop, for: warmUp + measured)
        allow { _ in .max }
        try loop.run(until: begin + warmUp.nanoseconds)
        latency = LatencyHistogram()
        acknowledgementLatency = LatencyHistogram()
        let start = try sample()
        try loop.run(until: Clock.now() + measured.nanoseconds)
        let end = try sample()
        for publisher in publishers { publisher.quota = 0 }
        try awaitRest()
        return (start, end)
    }

    func flow(messages: Int) throws(LoadError) -> (Sample, Sample) {
        progress.phase("publishing")
        let start = try sample()
        allow { messages / publishers.count + ($0 < messages % publishers.count ? 1 : 0) }
        try awaitRest()
        return (start, try sample())
    }

    /// Everything on the way arrives, or nothing more comes; what is missing then shows in the check.
    private func awaitRest() throws(LoadError) {
        do {
            try loop.run(for: "the last messages", patience: settings.patience.nanoseconds) {
                publishers.allSatisfy(\.isDone)
            }
        } catch .stalled {}
    }

    func sample() throws(LoadError) -> Sample {
        try Sample(operations: plan.sessions == .away ? acknowledged : delivered, broker: settings.broker)
    }

    /// - Parameter quota: messages each publisher may send.
    private func allow(_ quota: (Int) -> Int) {
        for (index, publisher) in publishers.enumerated() {
            publisher.quota = quota(index)
            if let rate = plan.rate { publisher.keep(to: Schedule(rate: rate, from: Clock.now())) }
            credit(publisher)
        }
    }

    /// Compares what arrived with what was sent.
    func check(_ measured: RunResult) -> RunResult {
        var result = measured
        result.published = publishers.reduce(0) { $0 + $1.published }
        for subscriber in subscribers {
            for (stream, check) in subscriber.checks {
                let sent = publishers[stream % publishers.count].count(inStream: stream / publishers.count)
                result.lost += Int(sent) - check.distinct
                result.doubled += check.doubled
                result.outOfOrder += check.outOfOrder
            }
        }
        return result
    }

    // MARK: What the roles report

    func subscriberIsReady() { readySubscribers += 1 }

    func copyArrived(_ stamp: Stamp) {
        delivered += 1
        let publisher = Int(stamp.publisher)
        if publishers.indices.contains(publisher) { publishers[publisher].copyArrived(stamp.ordinal, at: loop.now) }
    }

    func arrived(_ publisher: Publisher, after begun: UInt64) {
        latency.record(nanoseconds: loop.now - min(loop.now, begun))
        credit(publisher)
    }

    func acknowledged(_ publisher: Publisher, after begun: UInt64) {
        acknowledged += 1
        acknowledgementLatency.record(nanoseconds: loop.now - min(loop.now, begun))
        credit(publisher)
    }

    private func credit(_ publisher: Publisher) {
        guard !publisher.isCredited else { return }
        publisher.isCredited = true
        credited.append(publisher)
    }

    private func fillCredited() {
        if plan.rate != nil { for publisher in publishers { credit(publisher) } }
        guard !credited.isEmpty else { return }
        let now = Clock.now()
        for publisher in credited {
            publisher.isCredited = false
            publisher.fill(at: now)
        }
        credited.removeAll(keepingCapacity: true)
        if plan.rate != nil { loop.wakeAt = publishers.compactMap { $0.quota > 0 ? $0.schedule?.next : nil }.min() }
    }
}
