import LoadGenerator
import TestKit

/// What the clients of a run have seen, from which everything that was promised can be checked.
struct Account: Sendable {
    /// By publisher: messages acknowledged, which are those with lower numbers, as acknowledgements come in order.
    private(set) var acknowledged: [UInt32: UInt64] = [:]
    /// By publisher: how its messages are published.
    private(set) var publishers: [UInt32: Publisher] = [:]
    /// By client id and publisher: messages received.
    private(set) var received: [String: [UInt32: SequenceCheck]] = [:]
    /// Promises that were broken, in words; the first ones.
    private(set) var violations: [String] = []
    /// Subscribers whose subscription has been acknowledged.
    private(set) var subscribers: Set<String> = []
    /// Publishers finish what they have begun.
    var isEnding = false
    /// Publishers that have finished.
    private(set) var finished: Set<UInt32> = []
    private(set) var ledger: Ledger?

    struct Publisher: Sendable {
        var isExactlyOnce: Bool
        var retains: Bool
    }

    mutating func enter(_ publisher: UInt32, _ manner: Publisher) {
        publishers[publisher] = manner
        acknowledged[publisher] = 0
    }

    mutating func violate(_ sentence: String) {
        if violations.count < 20 { violations.append(sentence) }
    }

    /// The gateway has taken a message over (PUBACK, PUBREC, 2.04).
    mutating func acknowledge(_ number: UInt64, of publisher: UInt32) {
        let next = acknowledged[publisher, default: 0]
        guard number >= next else { return }
        if number > next { violate("publisher \(publisher): \(number) was acknowledged before \(next)") }
        acknowledged[publisher] = number + 1
    }

    mutating func finish(_ publisher: UInt32) { finished.insert(publisher) }
    mutating func subscribed(_ client: String) { subscribers.insert(client) }

    /// A subscriber has accepted a message as new.
    mutating func receive(_ payload: [UInt8], as client: String) {
        guard let (publisher, number) = NumberedPayload.read(payload) else {
            return violate("\(client) received what nobody sent: \(payload.prefix(12))")
        }
        let before = received[client]?[publisher] ?? SequenceCheck()
        var now = before
        now.record(number)
        received[client, default: [:]][publisher] = now
        if now.outOfOrder > before.outOfOrder {
            violate("\(client) received \(number) of publisher \(publisher) too late")
        }
        if now.doubled > before.doubled, publishers[publisher]?.isExactlyOnce == true {
            violate("\(client) received \(number) of publisher \(publisher) twice, at QoS 2")
        }
    }

    /// The gateway's own account.
    mutating func read(_ ledger: Ledger) {
        self.ledger = ledger
        if !ledger.isBalanced { violate("the ledger does not add up: \(ledger)") }
        // Nobody reads most of $SYS, and who reads the ledger does so in a session without expiry.
        let harmless = ["no_subscribers", "session_ended"]
        if ledger.dropped.contains(where: { !harmless.contains($0.key) && $0.value > 0 }) {
            violate("the ledger speaks of drops: \(ledger)")
        }
    }

    /// What a client has still to get of what was promised.
    func missing(of client: String) -> [UInt32: [UInt64]] {
        var missing: [UInt32: [UInt64]] = [:]
        for (publisher, end) in acknowledged {
            let numbers = (received[client]?[publisher] ?? SequenceCheck()).missing(below: end)
            if !numbers.isEmpty { missing[publisher] = numbers }
        }
        return missing
    }

    /// All are done and everybody has everything. Asked after each message, so it counts nothing.
    var isSettled: Bool { finished.count == publishers.count && subscribers.allSatisfy(hasEverything) }

    private func hasEverything(_ client: String) -> Bool {
        acknowledged.allSatisfy { publisher, end in
            (received[client]?[publisher] ?? SequenceCheck()).isComplete(below: end)
        }
    }

    /// Messages received by anybody, each once.
    var deliveries: Int { received.values.reduce(0) { $1.values.reduce($0) { $0 + $1.distinct } } }

    var summary: String {
        let sent = acknowledged.values.reduce(0, +)
        let (got, again) = received.values.flatMap(\.values).reduce((0, 0)) { ($0.0 + $1.distinct, $0.1 + $1.doubled) }
        return
            "\(sent) messages acknowledged, \(got) deliveries to \(subscribers.count) subscribers, \(again) repeated at QoS 1"
    }
}

/// `$SYS/broker/ledger`.
struct Ledger: Sendable, Decodable, Equatable {
    var accepted: UInt64
    var delivered: UInt64
    var queued: UInt64
    var expired: UInt64
    var dropped: [String: UInt64]

    var isBalanced: Bool { accepted == delivered + queued + expired + dropped.values.reduce(0, +) }
}
