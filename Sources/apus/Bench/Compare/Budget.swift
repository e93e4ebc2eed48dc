/// What a figure of Apus is held to.
enum Budget: Equatable {
    /// At most this share of Mosquitto's.
    case share(Double)
    case atMost(Double)
    case atLeast(Double)

    /// Nil when the figure it needs is missing.
    func holds(apus: Double, mosquitto: Double?) -> Bool? {
        switch self {
        case .share(let share): mosquitto.map { apus <= $0 * share }
        case .atMost(let limit): apus <= limit
        case .atLeast(let limit): apus >= limit
        }
    }
}

/// One line of the comparison: which figure of which load, and what it is held to.
struct BudgetRow {
    enum Figure {
        /// Processor time of the broker for each operation.
        case processorTime
        /// Growth of its memory for each of what is counted.
        case memoryEach
        case perSecond
        /// Operations per second of its processor time.
        case perProcessorSecond
        case latency99
        case startTime
    }

    var name: String
    var load: ComparedLoad
    /// End of the name of the result that counts, where the load has several.
    var phase = ""
    var figure = Figure.processorTime
    var budget: Budget

    /// Memory that was used once stays with a process, so such figures need a new one for each round.
    var needsFreshBroker: Bool { figure == .memoryEach || figure == .startTime }
}

extension BudgetRow.Figure {
    var unit: String {
        switch self {
        case .processorTime: "us"
        case .memoryEach: "B"
        case .perSecond, .perProcessorSecond: "/s"
        case .latency99, .startTime: "ms"
        }
    }
}

extension BudgetRow {
    /// As a person reads it: `≤ 0.050` of Mosquitto's figure, `≤ 150 B`.
    var budgetText: String {
        switch budget {
        case .share(let share): "≤ \(ResultTable.number(share, 3))"
        case .atMost(let limit): "≤ \(ResultTable.number(limit, 0)) \(figure.unit)"
        case .atLeast(let limit): "≥ \(ResultTable.number(limit, 0)) \(figure.unit)"
        }
    }
}
