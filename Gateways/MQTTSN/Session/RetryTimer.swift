import Messaging

/// How often and how patiently an unanswered request is sent again (MQTT-SN 7.2, T_RETRY and N_RETRY).
struct RetryPolicy: Hashable, Sendable {
    /// Time between two sendings.
    var interval: Duration = .seconds(10)
    /// Repetitions after the first sending, 0...255; the peer counts as lost one interval after the last.
    var repetitions = 4
    /// How the waits after the first repetition grow; nil for equal waits.
    var growth: Growth?

    struct Growth: Hashable, Sendable {
        /// The wait after the first repetition, doubled after each further one.
        let first: Duration
        let longest: Duration
    }

    /// The draft of 2.0: five seconds for the answer, then from one second on, doubled up to a minute.
    static func draft(repetitions: Int) -> RetryPolicy {
        RetryPolicy(
            interval: .seconds(5), repetitions: repetitions, growth: Growth(first: .seconds(1), longest: .seconds(60)))
    }

    /// The wait after so many repetitions.
    func wait(after repetitions: Int) -> Duration {
        guard let growth, repetitions > 0 else { return interval }
        return min(growth.first * (1 << min(repetitions - 1, 16)), growth.longest)
    }
}

/// The life of one unanswered request.
struct RetryTimer: Equatable, Sendable {
    private(set) var deadline: Timestamp
    private var repetitionsLeft: UInt8

    init(_ policy: RetryPolicy, now: Timestamp) {
        deadline = now + policy.interval
        repetitionsLeft = UInt8(clamping: policy.repetitions)
    }

    enum Outcome: Equatable {
        case notDue
        case sendAgain
        case exhausted
    }

    mutating func fire(_ policy: RetryPolicy, now: Timestamp) -> Outcome {
        guard deadline <= now else { return .notDue }
        guard repetitionsLeft > 0 else { return .exhausted }
        repetitionsLeft -= 1
        deadline = now + policy.wait(after: policy.repetitions - Int(repetitionsLeft))
        return .sendAgain
    }
}
