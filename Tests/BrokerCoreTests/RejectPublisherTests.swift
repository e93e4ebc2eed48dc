import Messaging
import TestKit
import Testing

@testable import BrokerCore

/// `limits.mailbox.policy: reject_publisher`.
@Suite struct RejectPublisherTests {
    private let harness: Harness
    private let publisher: TestClient
    private let slow: TestClient
    private let other: TestClient

    /// Two receivers of `t`; the mailbox of one holds two messages.
    init() throws {
        var limits = MailboxLimits()
        limits.policy = .rejectPublisher
        limits.offlineMessages = 2
        harness = try Harness()
        var options = SessionOptions.durable
        options.mailboxTerms = MailboxTerms(limits)
        slow = try harness.connect("slow", options)
        other = try harness.connect("other")
        publisher = try harness.connect("p")
        for receiver in [slow, other] { try receiver.subscribe("t") }
        try slow.attachment.supervise(.asleep, silence: nil)
    }

    private func publish(_ text: String, qos: QoS = .atLeastOnce, retain: Bool = false) throws -> PublishOutcome? {
        var outcomes: [PublishOutcome] = []
        try publisher.attachment.publish(
            [try harness.message("t", text, qos: qos, retain: retain)], outcomes: &outcomes)
        return outcomes.first
    }

    @Test func aFullMailboxRefusesAndNobodyGetsTheMessage() throws {
        for text in ["1", "2"] { #expect(try publish(text) == .accepted(receivers: 2, commit: .none)) }
        for qos in [QoS.atLeastOnce, .exactlyOnce] {
            #expect(try publish("3", qos: qos, retain: true) == .refused(.receiverFull))
        }
        #expect(try other.received() == ["1", "2"])
        #expect(harness.broker.statistics().retainedMessages == 0)
        let report = try slow.attachment.mailboxReport
        #expect(report.refused == 2 && report.account.dropped == 0 && report.messages == 2)
        #expect(harness.broker.statistics().messagesRefused == 2)
        #expect(harness.broker.statistics().losses.map(\.clientID) == [ClientID("slow")])
    }

    @Test func itTakesMessagesAgainWhenThereIsRoom() throws {
        for text in ["1", "2"] { _ = try publish(text) }
        for delivery in try slow.take(1) { _ = try slow.attachment.settle(packetID: delivery.packetID, .acknowledged) }
        #expect(try publish("3") == .accepted(receivers: 2, commit: .none))
        #expect(try slow.received() == ["2", "3"])
    }

    @Test func whatHasNoPublisherToBeRefusedIsDropped() throws {
        for text in ["1", "2"] { _ = try publish(text) }
        #expect(try publish("3", qos: .atMostOnce) == .accepted(receivers: 2, commit: .none))
        let dying = try harness.connect("d")
        try dying.attachment.updateWill(
            Will(topic: try TopicName("t"), payload: [0x34], qos: .atLeastOnce, retain: false))
        try dying.detach(.lost)
        #expect(try other.received() == ["1", "2", "3", "4"])
        let report = try slow.attachment.mailboxReport
        #expect(report.account[dropped: .mailboxFull] == 2 && report.refused == 0 && report.messages == 2)
        #expect(harness.broker.statistics().ledger.isBalanced)
    }

    @Test func aMessageThatNeverFitsIsDroppedRatherThanRefusedForEver() throws {
        var limits = MailboxLimits()
        limits.policy = .rejectPublisher
        limits.octets = 10
        var mailbox = Mailbox()
        let bounds = limits.bounds(isAwake: true)
        let isRefused = mailbox.refuses(octets: 11, bounds)
        #expect(!isRefused)
        let message = try harness.message("t", "0123456789")
        let result = mailbox.put(message, qos: .atLeastOnce, retain: false, subscriptionIDs: .none, bounds: bounds)
        #expect(result == .dropped(.none, makesRoom: false))
    }
}
