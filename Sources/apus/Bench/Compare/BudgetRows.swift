extension BudgetRow {
    /// The budgets for speed and memory of MQTT. Rows with the same load are figures of the same runs.
    static let all: [BudgetRow] = perMessage(64) + perMessage(1_024) + each + durable + others

    private static func perMessage(_ octets: Int) -> [BudgetRow] {
        func row(
            _ name: String, _ scenario: ComparedLoad.Scenario, _ qos: Int, _ share: Double, phase: String = "",
            window: Int = 100
        ) -> BudgetRow {
            BudgetRow(
                name: "\(name)\(window == 100 ? "" : ", \(window) on the way"), QoS \(qos), \(octets) B",
                load: ComparedLoad(scenario: scenario, qos: qos, payloadOctets: octets, window: window), phase: phase,
                budget: .share(share))
        }
        return [
            row("50 pairs", .pairs, 0, 1 / 20), row("50 pairs", .pairs, 1, 1 / 18), row("50 pairs", .pairs, 2, 1 / 18),
            row("fan-in 100 to 1", .fanIn, 0, 1 / 20), row("fan-in 100 to 1", .fanIn, 1, 1 / 16),
            row("fan-out 1 to 1000", .fanOut, 0, 1 / 25), row("fan-out 1 to 1000", .fanOut, 1, 1 / 16),
            row("fan-in 100 to 1", .fanIn, 0, 1 / 20, window: 20),
            row("fan-in 100 to 1", .fanIn, 1, 1 / 16, window: 20),
            row("fan-out 1 to 1000", .fanOut, 0, 1 / 25, window: 20),
            row("fan-out 1 to 1000", .fanOut, 1, 1 / 16, window: 20),
            row("one at a time", .oneAtATime, 0, 0.85), row("one at a time", .oneAtATime, 1, 0.85),
            row("into 100,000 wildcards", .wildcards, 0, 1 / 8, phase: "publish"),
            row("retained store of 100,000", .retained, 0, 1 / 5, phase: "store"),
            row("retained read of 100,000", .retained, 0, 1 / 8, phase: "read"),
        ]
    }

    private static let each = [
        BudgetRow(
            name: "memory: idle connection", load: ComparedLoad(scenario: .idle), figure: .memoryEach,
            budget: .atMost(4_096)),
        BudgetRow(
            name: "memory: wildcard subscription", load: ComparedLoad(scenario: .wildcards), phase: "subscribe",
            figure: .memoryEach, budget: .atMost(150)),
        BudgetRow(
            name: "memory: retained message of 64 B", load: ComparedLoad(scenario: .retained), phase: "store",
            figure: .memoryEach, budget: .atMost(300)),
        BudgetRow(
            name: "memory: sleeping MQTT-SN session", load: ComparedLoad(scenario: .sleepers), phase: "sleep",
            figure: .memoryEach, budget: .atMost(1_024)),
    ]

    private static let durable = [
        BudgetRow(
            name: "durable, 200 B: messages", load: ComparedLoad(scenario: .durable, qos: 1, payloadOctets: 200),
            figure: .perSecond, budget: .atLeast(50_000)),
        BudgetRow(
            name: "durable, 200 B: p99 of PUBACK", load: ComparedLoad(scenario: .durable, qos: 1, payloadOctets: 200),
            figure: .latency99, budget: .atMost(50)),
        BudgetRow(
            name: "durable, 200 B, offline: messages stored",
            load: ComparedLoad(scenario: .durableAway, qos: 1, payloadOctets: 200), phase: "store", figure: .perSecond,
            budget: .atLeast(30_000)),
    ]

    private static let others = [
        BudgetRow(
            name: "topics into 1,000,000 wildcards", load: ComparedLoad(scenario: .match), phase: "publish",
            figure: .perProcessorSecond, budget: .atLeast(500_000)),
        BudgetRow(name: "start-up", load: ComparedLoad(scenario: .start), figure: .startTime, budget: .atMost(500)),
    ]
}
