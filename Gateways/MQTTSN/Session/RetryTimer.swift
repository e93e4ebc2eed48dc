import Messaging

/// How often and how patiently an unanswered request is sent again (MQTT-SN 7.2, T_RETRY and N_RETRY).
struct RetryPolicy: Hashable, Sendable {
    /// Time between two sendings.
    var interval: Duration = .seconds(10)
    /// Repetitions after the first sending; the peer counts as lost one interval after the last.
    var repetitions = 4
}

/// The life of one unanswered request.
struct RetryTimer: Equatable, Sendable {
    private(set) var deadline: Timestamp
    private var repetitionsLeft: Int

    init(_ policy: RetryPolicy, now: Timestamp) {
        deadline = now + policy.interval
        repetitionsLeft = policy.repetitions
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
        deadline = now + policy.interval
        return .sendAgain
    }
}
