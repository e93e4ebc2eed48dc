import Messaging
import TestKit
import Testing

@testable import BrokerCore

/// Messages of one topic in one batch, which are put into a mailbox together, end up as they do one by one.
@Suite struct RunTests {
    /// A mailbox and what is published into it.
    struct Case: Sendable, CustomTestStringConvertible {
        let policy: MailboxLimits.Policy
        /// Messages that find room.
        let room: Int
        /// Octets that do.
        let octets: Int
        let isAway: Bool
        let hasStore: Bool

        var testDescription: String {
            "\(policy.rawValue), room for \(room) or \(octets) octets, \(isAway ? "away" : "online")\(hasStore ? ", stored" : "")"
        }

        var limits: BrokerLimits {
            var limits = BrokerLimits()
            limits.mailbox.policy = policy
            limits.mailbox.onlineMessages = room
            limits.mailbox.offlineMessages = room
            limits.mailbox.octets = octets
            return limits
        }
    }

    private static let messages = 20
    /// One less than needed, as many, and plenty; of octets, too.
    static let cases = MailboxLimits.Policy.allCases.flatMap { policy in
        [
            (messages - 1, 10_000), (messages, 10_000), (1_000, 10_000), (1_000, 59), (1_000, 60), (1_000, 61),
            (0, 10_000),
        ]
        .flatMap { room, octets in
            [false, true].flatMap { isAway in
                [false, true].map { hasStore in
                    Case(policy: policy, room: room, octets: octets, isAway: isAway, hasStore: hasStore)
                }
            }
        }
    }

    /// What a receiver is left with.
    private struct Result: Equatable {
        var texts: [String] = []
        var qos: [QoS] = []
        var retain: [Bool] = []
        var expiry: [Timestamp] = []
        var accounts: [DropLedger] = []
        var octets: [Int] = []
    }

    private static func result(of test: Case, batches: [[Int]]) throws -> Result {
        let harness = try Harness(limits: test.limits, store: test.hasStore ? MemoryStore() : nil)
        var client = try harness.connect("c", .durable)
        try client.subscribe("t", .atLeastOnce, retainAsPublished: true)
        if test.isAway { try client.detach(.lost) }
        for batch in batches {
            // Three octets each: the topic and two digits. Two of three at QoS 1 or 2, one in four expires, one in five is retained.
            let run = try batch.map { number in
                try harness.message(
                    "t", "\(10 + number)", qos: [.atMostOnce, .atLeastOnce, .exactlyOnce][number % 3],
                    retain: number % 5 == 0, expiry: number % 4 == 0 ? .seconds(60) : nil, publisher: "p")
            }
            var outcomes: [PublishOutcome] = []
            harness.broker.publish(run, as: .gateway, via: "mqtt.tcp", outcomes: &outcomes)
            #expect(outcomes.count == batch.count)
        }
        if test.isAway { client = try harness.connect("c", .durable) }
        var result = Result()
        let report = try client.attachment.mailboxReport
        result.accounts.append(report.account)
        result.octets.append(report.octets)
        let deliveries = try client.take()
        result.texts = deliveries.map { String(decoding: $0.message.payload, as: UTF8.self) }
        result.qos = deliveries.map(\.qos)
        result.retain = deliveries.map(\.retain)
        result.expiry = deliveries.map(\.message.expiresAt)
        let rest = try client.attachment.mailboxReport
        result.accounts.append(rest.account)
        result.octets.append(rest.octets)
        return result
    }

    @Test(arguments: cases) func aRunEndsUpAsItsMessagesDoOneByOne(_ test: Case) throws {
        let numbers = Array(0..<Self.messages)
        let together = try Self.result(of: test, batches: [numbers])
        #expect(together == (try Self.result(of: test, batches: numbers.map { [$0] })))
        // A second run finds what the first left.
        let halves = [Array(numbers[..<7]), Array(numbers[7...])]
        #expect(together == (try Self.result(of: test, batches: halves)))
    }

    /// A batch of messages to all kinds of topics, for receivers of all kinds.
    struct Mixture: Sendable, CustomTestStringConvertible {
        let seed: UInt64
        let policy: MailboxLimits.Policy
        let hasStore: Bool

        var testDescription: String { "\(policy.rawValue)\(hasStore ? ", stored" : ""), \(seed)" }
    }

    static let mixtures = MailboxLimits.Policy.allCases.flatMap { policy in
        [false, true].flatMap { hasStore in (1...4).map { Mixture(seed: $0, policy: policy, hasStore: hasStore) } }
    }

    /// Outcomes and what each receiver is left with, the messages published `each` at a time.
    private static func result(of test: Mixture, each: Int) throws -> (outcomes: [String], receivers: [Result]) {
        var random = SeededGenerator(seed: test.seed)
        var limits = BrokerLimits()
        limits.mailbox.policy = test.policy
        limits.mailbox.onlineMessages = 30
        limits.mailbox.offlineMessages = 10
        limits.payloadOctets = 60
        let harness = try Harness(limits: limits, store: test.hasStore ? MemoryStore() : nil)
        var clients: [TestClient] = []
        let words = ["a", "b", "c", "device"]
        for number in 0..<8 {
            let client = try harness.connect("c\(number)", .durable)
            for own in [true, false, false] {
                let levels = (0..<2).map { _ in (words + ["+"]).randomElement(using: &random) ?? "" }
                let filter = own ? "own/\(number)" : levels.joined(separator: "/")
                try client.subscribe(
                    filter + (Bool.random(using: &random) ? "/#" : ""),
                    [.atMostOnce, .atLeastOnce, .exactlyOnce][number % 3], noLocal: number == 1,
                    retainAsPublished: number % 2 == 0)
            }
            if number % 4 == 3 { try client.detach(.lost) }
            clients.append(client)
        }
        let messages = try (0..<200).map { number in
            let levels = (0..<2).map { _ in words.randomElement(using: &random) ?? "" }
            // Every other has one receiver.
            let topic = number % 2 == 0 ? levels.joined(separator: "/") : "own/\(number / 2 % 8)"
            return try harness.message(
                topic, String(repeating: "x", count: number % 70),
                qos: [.atMostOnce, .atLeastOnce, .exactlyOnce][number % 3],
                retain: number % 11 == 0, expiry: number % 4 == 0 ? .seconds(60) : nil, publisher: "c1")
        }
        var outcomes: [String] = []
        for start in stride(from: 0, to: messages.count, by: each) {
            var some: [PublishOutcome] = []
            let batch = Array(messages[start..<min(start + each, messages.count)])
            harness.broker.publish(batch, as: .gateway, via: "mqtt.tcp", outcomes: &some)
            outcomes += some.map(Self.text)
        }
        var receivers: [Result] = []
        for (number, client) in clients.enumerated() {
            let client = number % 4 == 3 ? try harness.connect("c\(number)", .durable) : client
            var result = Result()
            result.accounts.append(try client.attachment.mailboxReport.account)
            let deliveries = try client.take()
            result.texts = deliveries.map { "\($0.message.topic) \($0.message.payload.count)" }
            result.qos = deliveries.map(\.qos)
            result.retain = deliveries.map(\.retain)
            result.expiry = deliveries.map(\.message.expiresAt)
            receivers.append(result)
        }
        return (outcomes, receivers)
    }

    /// Without the point at which it is stored, which depends on what is stored with it.
    private static func text(_ outcome: PublishOutcome) -> String {
        guard case .accepted(let receivers, _) = outcome else { return "\(outcome)" }
        return "accepted by \(receivers)"
    }

    /// Messages of a batch go different ways: in runs, alone, to one receiver or to many.
    @Test(arguments: mixtures) func aMixedBatchEndsUpAsItsMessagesDoOneByOne(_ test: Mixture) throws {
        let alone = try Self.result(of: test, each: 1)
        for each in [2, 7, 200] {
            let together = try Self.result(of: test, each: each)
            #expect(together.outcomes == alone.outcomes)
            #expect(together.receivers == alone.receivers)
        }
        #expect(alone.receivers.contains { !$0.texts.isEmpty })
    }

    /// One that nobody receives goes another way into the store of retained messages than one that somebody does.
    @Test(arguments: [false, true], [false, true])
    func whatIsRetainedIsTheSameWithAndWithoutReceivers(isReceived: Bool, expires: Bool) throws {
        var limits = BrokerLimits()
        limits.retainedMessages = 2
        let harness = try Harness(limits: limits, store: MemoryStore())
        if isReceived { try harness.connect("c").subscribe("#") }
        var outcomes: [PublishOutcome] = []
        let run = try [("a", "1"), ("b", "1"), ("b", "2"), ("c", "1"), ("a", ""), ("c", "2")].map { topic, text in
            try harness.message(topic, text, retain: true, expiry: expires ? .seconds(60) : nil)
        }
        harness.broker.publish(run, as: .gateway, via: "mqtt.tcp", outcomes: &outcomes)
        let isRefused = outcomes.map { $0 == .refused(.quotaExceeded) }
        #expect(isRefused == [false, false, false, true, false, false])
        let found = harness.broker.retainedMessages(matching: try TopicFilter("#"), limit: 10, as: .gateway)
        #expect(Set(found.map { "\($0.topic) \(String(decoding: $0.payload, as: UTF8.self))" }) == ["b 2", "c 2"])
        let accepted = outcomes.count - 1
        #expect(harness.broker.statistics().ledger[dropped: .noSubscribers] == (isReceived ? 0 : UInt64(accepted)))
        harness.advance(.seconds(61))
        let left = harness.broker.retainedMessages(matching: try TopicFilter("#"), limit: 10, as: .gateway)
        #expect(left.isEmpty == expires)
    }
}
