import Messaging
import TestKit
import Testing

@testable import BrokerCore

@Suite struct HoldBackTests {
    private static func harness(online: Int = 80) throws -> Harness {
        var limits = BrokerLimits()
        limits.mailbox.onlineMessages = online
        return try Harness(limits: limits)
    }

    private static func publish(_ count: Int, _ publisher: TestClient, _ harness: Harness, qos: QoS = .atLeastOnce)
        throws
    {
        var outcomes: [PublishOutcome] = []
        for number in 0..<count {
            try publisher.attachment.publish([try harness.message("t", String(number), qos: qos)], outcomes: &outcomes)
        }
    }

    @Test func aFullerMailboxHoldsThePublisherBackUntilItDrains() throws {
        let harness = try Self.harness()
        let receiver = try harness.connect("r")
        try receiver.subscribe("t")
        let publisher = try harness.connect("p")
        try Self.publish(19, publisher, harness)
        #expect(try !publisher.attachment.isHeldBack)
        try Self.publish(1, publisher, harness)
        #expect(try publisher.attachment.isHeldBack)
        for delivery in try receiver.take(9) {
            _ = try receiver.attachment.settle(packetID: delivery.packetID, .acknowledged)
        }
        #expect(try publisher.attachment.isHeldBack)
        _ = try receiver.take(1)
        #expect(try !publisher.attachment.isHeldBack)
        #expect(publisher.wakeCount == 1)
    }

    /// Each message of the batch goes to one mailbox, alone.
    @Test(arguments: [QoS.atMostOnce, .atLeastOnce]) func aBatchOfManyTopicsHoldsItsPublisherBack(qos: QoS) throws {
        let harness = try Self.harness()
        let receiver = try harness.connect("r")
        try receiver.subscribe("t/#")
        let publisher = try harness.connect("p")
        for (count, isFuller) in [(19, false), (2, true)] {
            var outcomes: [PublishOutcome] = []
            let batch = try (0..<count).map { try harness.message("t/\($0)", "", qos: qos) }
            try publisher.attachment.publish(batch, outcomes: &outcomes)
            #expect(outcomes.count == count)
            #expect(try publisher.attachment.isHeldBack == (isFuller && qos == .atLeastOnce))
        }
        #expect(receiver.wakeCount == 1)
        #expect(try receiver.take().count == 21)
        #expect(try !publisher.attachment.isHeldBack)
    }

    @Test func qosZeroHoldsNobodyBack() throws {
        let harness = try Self.harness()
        let receiver = try harness.connect("r")
        try receiver.subscribe("t")
        let publisher = try harness.connect("p")
        try Self.publish(100, publisher, harness, qos: .atMostOnce)
        #expect(try !publisher.attachment.isHeldBack)
        #expect(harness.broker.statistics().ledger[dropped: .mailboxFull] == 20)
    }

    @Test func aReceiverThatNeverReadsHoldsBackForALimitedTimeAndOnlyOnce() throws {
        let harness = try Self.harness()
        let receiver = try harness.connect("r")
        try receiver.subscribe("t")
        let publisher = try harness.connect("p")
        try Self.publish(20, publisher, harness)
        harness.advance(.milliseconds(900))
        #expect(try publisher.attachment.isHeldBack)
        harness.advance(.milliseconds(200))
        #expect(try !publisher.attachment.isHeldBack)
        #expect(publisher.wakeCount == 1)
        try Self.publish(20, publisher, harness)
        #expect(try !publisher.attachment.isHeldBack)
        // Having caught up, it counts again.
        _ = try receiver.take()
        try Self.publish(20, publisher, harness)
        #expect(try publisher.attachment.isHeldBack)
    }

    @Test func aReceiverThatLeavesOrFallsAsleepLetsThePublisherGo() throws {
        let harness = try Self.harness()
        let receiver = try harness.connect("r", .durable)
        try receiver.subscribe("t")
        let publisher = try harness.connect("p")
        try Self.publish(20, publisher, harness)
        try receiver.attachment.supervise(.asleep, silence: nil)
        #expect(try !publisher.attachment.isHeldBack)
        try receiver.attachment.supervise(.awake, silence: nil)
        try Self.publish(1, publisher, harness)
        #expect(try publisher.attachment.isHeldBack)
        try receiver.detach(.lost)
        #expect(try !publisher.attachment.isHeldBack)
    }

    @Test func aClientIsNotHeldBackByItself() throws {
        let harness = try Self.harness()
        let client = try harness.connect("c")
        try client.subscribe("t")
        try Self.publish(30, client, harness)
        #expect(try !client.attachment.isHeldBack)
    }
}
