import Messaging
import TestKit
import Testing

@testable import BrokerCore

@Suite struct DropLedgerTests {
    /// Publishers, receivers that come and go, and scrapes, all at once from several threads: at every scrape the account
    /// balances, and in the end it holds exactly what was published.
    @Test func balancesAtEveryScrapeUnderLoad() async throws {
        var limits = BrokerLimits()
        limits.mailbox.onlineMessages = 50
        limits.mailbox.offlineMessages = 20
        let harness = try Harness(limits: limits)
        let broker = harness.broker
        let publications = 3_000
        let publishers = 3
        let done = Counter()
        let messages = try (0..<publishers).map { publisher in
            try (0..<publications).map { number in
                try harness.message(
                    "t/\(number % 7)", "\(publisher)/\(number)", qos: QoS(rawValue: UInt8(number % 3)) ?? .atMostOnce)
            }
        }
        let clients = try (0..<4).map { try harness.connect("r\($0)", .durable) }
        for client in clients { try client.subscribe("t/#") }

        try await withThrowingTaskGroup(of: Int.self) { group in
            for batch in messages {
                group.addTask {
                    var receivers = 0
                    for message in batch {
                        var outcomes: [PublishOutcome] = []
                        broker.publish([message], as: .gateway, via: "sys", outcomes: &outcomes)
                        if case .accepted(let count, _)? = outcomes.first { receivers += max(1, count) }
                    }
                    return receivers
                }
            }
            for (index, client) in clients.enumerated() {
                group.addTask {
                    var client = client
                    var random = SeededGenerator(seed: UInt64(index))
                    while done.current == 0 {
                        for delivery in try client.take(10) where delivery.packetID != 0 {
                            if delivery.qos == .exactlyOnce {
                                _ = try client.attachment.settle(packetID: delivery.packetID, .received)
                                _ = try client.attachment.settle(packetID: delivery.packetID, .completed)
                            } else {
                                _ = try client.attachment.settle(packetID: delivery.packetID, .acknowledged)
                            }
                        }
                        if Int.random(in: 0..<50, using: &random) == 0 {
                            try client.detach(.lost)
                            await Task.yield()
                            client = try harness.connect("r\(index)", .durable)
                        }
                        await Task.yield()
                    }
                    return 0
                }
            }
            group.addTask {
                while done.current == 0 {
                    #expect(broker.statistics().ledger.isBalanced)
                    await Task.yield()
                }
                return 0
            }
            var accepted = 0
            var finished = 0
            while let count = try await group.next() {
                accepted += count
                if count > 0 { finished += 1 }
                if finished == publishers { done.add() }
            }
            let ledger = broker.statistics().ledger
            #expect(ledger.isBalanced)
            #expect(ledger.accepted == UInt64(accepted))
            #expect(ledger.delivered > 0)
        }
    }
}
