import LoadGenerator

/// Runs loads: the brokers in turn, round after round.
struct Comparison {
    var rounds: Int
    var scale: ComparedLoad.Scale
    /// Path of Mosquitto's broker; nil measures Apus alone.
    var mosquitto: String?
    /// Of its configuration, beyond what Debian ships.
    var mosquittoLines: [String] = []
    /// Path of a program that does the least a broker has to do; nil for none.
    var floor: String?
    var progress: (String) -> Void

    /// One run of one broker.
    struct Run: Encodable {
        var broker: MeasuredBroker.Kind
        var round: Int
        var load: ComparedLoad
        var startMilliseconds: Double
        var results: [RunResult]
    }

    /// - Parameter freshBrokers: a new process for each run.
    func run(_ load: ComparedLoad, freshBrokers: Bool) async throws -> [Run] {
        let kinds = MeasuredBroker.Kind.allCases.filter { measures($0, under: load) }
        var brokers: [MeasuredBroker.Kind: MeasuredBroker] = [:]
        defer { for broker in brokers.values { broker.stop() } }
        var runs: [Run] = []
        for round in 1...rounds {
            for kind in kinds {
                progress(
                    "\(load.scenario.rawValue), QoS \(load.qos), \(load.payloadOctets) B: \(kind.rawValue), round \(round) of \(rounds)"
                )
                let broker = try brokers[kind] ?? start(kind, for: load)
                brokers[kind] = freshBrokers ? nil : broker
                defer { if freshBrokers { broker.stop() } }
                runs.append(
                    Run(
                        broker: kind, round: round, load: load, startMilliseconds: broker.startTime / .milliseconds(1),
                        results: try await load.run(against: broker, scale)))
            }
        }
        return runs
    }

    private func measures(_ kind: MeasuredBroker.Kind, under load: ComparedLoad) -> Bool {
        switch kind {
        case .mosquitto: mosquitto != nil && load.comparesMosquitto
        case .floor: floor != nil && load.hasFloor
        case .apus: true
        }
    }

    private func start(_ kind: MeasuredBroker.Kind, for load: ComparedLoad) throws -> MeasuredBroker {
        try MeasuredBroker(
            kind, takesMQTTSN: load.scenario == .sleepers, keepsMessages: load.keepsMessages,
            peer: (kind == .floor ? floor : mosquitto) ?? "", lines: kind == .mosquitto ? mosquittoLines : [])
    }
}

/// What a row came to: the median of all rounds for each broker.
struct ComparedRow: Encodable {
    var name: String
    var unit: String
    var apus: Double?
    var mosquitto: Double?
    /// Of the least that a broker has to do.
    var floor: Double?
    /// Apus' figure as a share of Mosquitto's.
    var ratio: Double?
    /// Apus' figure in floors, and the most that the budget allows: near 1 it leaves nothing for being a broker.
    var timesFloor: Double?
    var budgetTimesFloor: Double?
    /// As a person reads it.
    var budget: String
    /// Nil when it cannot be said.
    var holds: Bool?
    /// Of all rounds; nil where nothing is sent.
    var apusFaults: DeliveryFaults?
    var mosquittoFaults: DeliveryFaults?

    init(_ row: BudgetRow, _ runs: [Comparison.Run]) {
        name = row.name
        unit = row.figure.unit
        apus = row.median(of: runs, by: .apus)
        mosquitto = row.median(of: runs, by: .mosquitto)
        floor = row.median(of: runs, by: .floor)
        budget = row.budgetText
        apusFaults = DeliveryFaults(runs, of: .apus)
        mosquittoFaults = DeliveryFaults(runs, of: .mosquitto)
        guard let apus else { return }
        if let mosquitto, mosquitto > 0 { ratio = apus / mosquitto }
        if let floor, floor > 0 {
            timesFloor = apus / floor
            if case .share(let share) = row.budget { budgetTimesFloor = mosquitto.map { $0 * share / floor } }
        }
        holds = row.budget.holds(apus: apus, mosquitto: mosquitto)
    }
}

extension BudgetRow {
    fileprivate func median(of runs: [Comparison.Run], by broker: MeasuredBroker.Kind) -> Double? {
        let ordered = runs.filter { $0.broker == broker }.compactMap(value).sorted()
        guard !ordered.isEmpty else { return nil }
        let middle = ordered.count / 2
        return ordered.count % 2 == 1 ? ordered[middle] : (ordered[middle - 1] + ordered[middle]) / 2
    }

    private func value(_ run: Comparison.Run) -> Double? {
        if figure == .startTime { return run.startMilliseconds }
        guard let result = run.results.first(where: { $0.name.hasSuffix(phase) }) else { return nil }
        return switch figure {
        case .processorTime: result.brokerMicroseconds
        case .memoryEach: result.octetsEach
        case .perSecond: result.perSecond
        case .perProcessorSecond: result.brokerMicroseconds.map { 1e6 / $0 }
        case .latency99: result.latency.map { $0.p99 / 1_000 }
        case .startTime: nil
        }
    }
}
