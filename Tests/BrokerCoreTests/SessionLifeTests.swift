import Messaging
import TestKit
import Testing

@testable import BrokerCore

@Suite struct SessionLifeTests {
    @Test func aPeerFromElsewhereIsNotLetInByDefault() throws {
        let harness = try Harness()
        #expect(throws: ConnectRefusal.notAuthorized) { try harness.connect("c", isLoopback: false) }
        #expect(harness.broker.statistics().sessions == 0)
    }

    @Test func aSessionEndsWithItsConnectionWhenItHasNoExpiry() throws {
        let harness = try Harness()
        let client = try harness.connect("c")
        try client.subscribe("t")
        try client.detach(.goodbye)
        #expect(harness.broker.statistics().sessions == 0)
        #expect(harness.broker.statistics().subscriptions == 0)
        #expect(!(try harness.connect("c", .durable).sessionPresent))
    }

    @Test func aDurableSessionKeepsSubscriptionsAndMessages() throws {
        let harness = try Harness()
        let first = try harness.connect("c", .durable)
        try first.subscribe("t")
        try first.detach(.goodbye)
        try harness.publish("t", "1")
        try harness.publish("t", "lost", qos: .atMostOnce)
        harness.advance(.seconds(3_599))
        let second = try harness.connect("c", .durable)
        #expect(second.sessionPresent)
        #expect(second.wakeCount == 1)
        #expect(try second.received() == ["1"])
        #expect(harness.broker.statistics().ledger[dropped: .offlineQoS0] == 1)
    }

    @Test func aSessionThatKeepsQoS0WhileAwayDeliversItLater() throws {
        let harness = try Harness()
        var options = SessionOptions.durable
        options.queuesQoS0WhileDetached = true
        let first = try harness.connect("c", options)
        try first.subscribe("t")
        try first.detach(.lost)
        try harness.publish("t", "0", qos: .atMostOnce)
        #expect(try harness.connect("c", options).received() == ["0"])
    }

    @Test func aSessionExpires() throws {
        let harness = try Harness()
        let client = try harness.connect("c", .durable)
        try client.subscribe("t")
        try client.detach(.lost)
        try harness.publish("t", "1")
        harness.advance(.seconds(3_601))
        let statistics = harness.broker.statistics()
        #expect(statistics.sessions == 0 && statistics.subscriptions == 0)
        #expect(statistics.ledger[dropped: .sessionEnded] == 1)
        #expect(statistics.ledger.isBalanced)
        #expect(harness.events.all.contains(.sessionExpired(ClientID("c"))))
    }

    /// MQTT-4.1.0-1, however short its expiry.
    @Test(arguments: [Duration.zero, .seconds(1)]) func aSessionLastsAsLongAsItsConnection(_ expiry: Duration) throws {
        let harness = try Harness()
        let client = try harness.connect("c", SessionOptions(cleanStart: true, expiry: expiry))
        try client.subscribe("t")
        harness.advance(.seconds(1_000_000))
        try harness.publish("t", "1")
        #expect(try client.received() == ["1"])
        #expect(harness.broker.statistics().sessions == 1)
    }

    /// MQTT 5.0, 3.1.4; MQTT 3.1.1, MQTT-3.1.2-6
    @Test func aSessionWithoutExpiryEndsWhenItIsTakenOver() throws {
        let harness = try Harness()
        let first = try harness.connect("c")
        try first.subscribe("t")
        let second = try harness.connect("c", .durable)
        #expect(!second.sessionPresent)
        try harness.publish("t", "1")
        #expect(try second.received() == [])
        #expect(harness.broker.statistics().subscriptions == 0)
        #expect(try harness.connect("c", .durable).sessionPresent)
    }

    /// An MQTT-SN client that goes on with the session of an MQTT client's connection gets what waits there. What was sent, and not held because
    /// that session was to end, is accounted for.
    @Test func whoGoesOnWithASessionThatWasToEndGetsWhatWaits() throws {
        let harness = try Harness()
        let first = try harness.connect("c", .endsWithConnection)
        try first.subscribe("t")
        for text in ["1", "2"] { try harness.publish("t", text, qos: .exactlyOnce) }
        #expect(try first.received() == ["1", "2"])
        try harness.publish("t", "3")
        let second = try harness.connect("c", SessionOptions(cleanStart: false, expiry: .zero, replacesQuietly: true))
        #expect(second.sessionPresent)
        #expect(try second.received() == ["3"])
        let ledger = harness.broker.statistics().ledger
        #expect(ledger[dropped: .sessionEnded] == 2 && ledger.isBalanced)
    }

    @Test func disconnectMayChangeTheExpiry() throws {
        let harness = try Harness()
        try harness.connect("c", .durable).detach(.goodbye, expiry: SessionExpiryChange(.zero))
        #expect(harness.broker.statistics().sessions == 0)
    }

    /// MQTT-3.1.4-3
    @Test func anotherConnectionTakesOver() throws {
        let harness = try Harness()
        let first = try harness.connect("c", .durable)
        try first.subscribe("t")
        let second = try harness.connect("c", .durable)
        #expect(first.closed == [.takenOver])
        #expect(second.sessionPresent)
        try harness.publish("t", "1")
        #expect(try first.received() == [])
        #expect(try first.subscribe("other") == .refused(.detached))
        try first.detach(.lost)
        #expect(try second.received() == ["1"])
    }

    @Test func cleanStartForgetsTheEarlierSession() throws {
        let harness = try Harness()
        let first = try harness.connect("c", .durable)
        try first.subscribe("t")
        try harness.publish("t", "1")
        let second = try harness.connect("c", .clean)
        #expect(first.closed == [.takenOver])
        #expect(!second.sessionPresent)
        #expect(try second.received() == [])
        #expect(harness.broker.statistics().ledger.isBalanced)
    }

    /// MQTT-4.4.0-1: what was on the way comes again, marked, in its order.
    @Test func aResumedSessionGetsTheUnacknowledgedAgain() throws {
        let harness = try Harness()
        let first = try harness.connect("c", .durable)
        try first.subscribe("t")
        for number in 1...3 { try harness.publish("t", String(number), qos: .exactlyOnce) }
        let sent = try first.take(2)
        let received = try first.attachment.settle(packetID: sent[0].packetID, .received)
        #expect(received)
        try first.detach(.lost)
        let again = try harness.connect("c", .durable).take()
        #expect(again.map(\.step) == [.release, .publish, .publish])
        #expect(again.map(\.isDuplicate) == [false, true, false])
        #expect(again.map(\.packetID) == [sent[0].packetID, sent[1].packetID, 3])
    }

    @Test func theLimitOnSessionsRefusesNewcomersOnly() throws {
        var limits = BrokerLimits()
        limits.sessions = 1
        let harness = try Harness(limits: limits)
        _ = try harness.connect("a", .durable)
        #expect(throws: ConnectRefusal.quotaExceeded) { try harness.connect("b") }
        #expect(try harness.connect("a", .durable).sessionPresent)
    }

    @Test func incomingExactlyOnceIdentifiersSurviveTheConnection() throws {
        let harness = try Harness()
        let first = try harness.connect("c", .durable)
        #expect(try first.attachment.beginReceiving(packetID: 7) == true)
        try first.detach(.lost)
        let second = try harness.connect("c", .durable)
        #expect(try second.attachment.beginReceiving(packetID: 7) == false)
        #expect(try second.attachment.endReceiving(packetID: 7))
        #expect(try !second.attachment.endReceiving(packetID: 7))
    }

    @Test func topicIDsLiveWithTheSession() throws {
        let harness = try Harness()
        let topic = try TopicName("a/b")
        let first = try harness.connect("c", .durable)
        let id = try first.attachment.topicIDs.register(topic)
        try first.attachment.topicIDs.setKnownToClient(1, true)
        try first.detach(.lost)
        let second = try harness.connect("c", .durable)
        #expect(try second.attachment.topicIDs.register(topic) == id)
        #expect(try second.attachment.topicIDs.isKnownToClient(1))
        #expect(try harness.connect("c", .clean).attachment.topicIDs.topic(of: 1) == nil)
    }

    @Test func stoppingClosesEveryoneAndLetsNobodyIn() throws {
        let harness = try Harness()
        var options = SessionOptions.durable
        options.will = try SessionLifeTests.will()
        let watcher = try harness.connect("w")
        try watcher.subscribe("will")
        let client = try harness.connect("c", options)
        harness.broker.stop()
        #expect(client.closed == [.shutdown])
        #expect(throws: ConnectRefusal.shuttingDown) { try harness.connect("d") }
    }

    static func will(delay: Duration = .zero) throws -> Will {
        Will(topic: try TopicName("will"), payload: Array("gone".utf8), qos: .atLeastOnce, retain: false, delay: delay)
    }

    @Test func aDeliveryGivenBackAfterATakeoverReachesTheNextConnection() throws {
        let harness = try Harness()
        let first = try harness.connect("c", .durable)
        try first.subscribe("t")
        try harness.publish("t", "unsent", qos: .atMostOnce)
        let taken = try #require(try first.take(1).first)
        let second = try harness.connect("c", .durable)
        try first.attachment.giveBack(taken)
        #expect(second.wakeCount == 1)
        #expect(try second.received() == ["unsent"])
        #expect(harness.broker.statistics().ledger.isBalanced)
    }

    @Test func aDeliveryGivenBackToAnEndedSessionCountsWithItsMailbox() throws {
        let harness = try Harness()
        let client = try harness.connect("c", .clean)
        try client.subscribe("t")
        try harness.publish("t", "unsent", qos: .atMostOnce)
        let taken = try #require(try client.take(1).first)
        try client.detach(.lost)
        try client.attachment.giveBack(taken)
        let ledger = harness.broker.statistics().ledger
        #expect(ledger.delivered == 0 && ledger[dropped: .sessionEnded] == 1 && ledger.isBalanced)
    }

    @Test func aSessionMayHaveMailboxLimitsOfItsOwn() throws {
        let harness = try Harness()
        var limits = MailboxLimits()
        limits.offlineMessages = 2
        limits.policy = .dropNewest
        limits.timeToLive = .seconds(10)
        var options = SessionOptions.durable
        options.mailboxTerms = MailboxTerms(limits)
        let client = try harness.connect("c", options)
        try client.subscribe("t")
        try client.attachment.supervise(.asleep, silence: nil)
        for text in ["1", "2", "3"] { try harness.publish("t", text) }
        let report = try client.attachment.mailboxReport
        #expect(report.messages == 2 && report.account.dropped == 1 && report.octets == 4 && report.oldest != nil)
        harness.advance(.seconds(10))
        #expect(try client.take().isEmpty)
        #expect(try client.attachment.mailboxReport.account.expired == 2)
    }

    /// MQTT 3.1.1, MQTT-3.1.2-7
    @Test func retainedMessagesOutliveTheSessionOfTheirPublisher() throws {
        let harness = try Harness()
        let publisher = try harness.connect("p")
        var outcomes: [PublishOutcome] = []
        try publisher.attachment.publish(
            [try harness.message("t", "kept", retain: true, publisher: "p")], outcomes: &outcomes)
        try publisher.detach(.goodbye)
        let client = try harness.connect("c")
        try client.subscribe("t")
        #expect(try client.received() == ["kept"])
    }
}
