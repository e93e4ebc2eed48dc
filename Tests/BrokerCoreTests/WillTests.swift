import Messaging
import TestKit
import Testing

@testable import BrokerCore

@Suite struct WillTests {
    private static func options(delay: Duration = .zero, expiry: Duration? = .seconds(3_600)) throws -> SessionOptions {
        SessionOptions(cleanStart: false, expiry: expiry, will: try SessionLifeTests.will(delay: delay))
    }

    private static func watched() throws -> (Harness, TestClient) {
        let harness = try Harness()
        let watcher = try harness.connect("watcher")
        try watcher.subscribe("will")
        return (harness, watcher)
    }

    @Test func aLostClientsWillIsPublished() throws {
        let (harness, watcher) = try Self.watched()
        try harness.connect("c", try Self.options()).detach(.lost)
        #expect(try watcher.received() == ["gone"])
    }

    /// MQTT-3.14.4-3
    @Test func aGoodbyeDiscardsTheWill() throws {
        let (harness, watcher) = try Self.watched()
        try harness.connect("c", try Self.options()).detach(.goodbye)
        harness.advance(.seconds(7_200))
        #expect(try watcher.received() == [])
    }

    @Test func aGoodbyeMayAskForTheWill() throws {
        let (harness, watcher) = try Self.watched()
        try harness.connect("c", try Self.options()).detach(.goodbyeWithWill)
        #expect(try watcher.received() == ["gone"])
    }

    /// MQTT-3.1.3-9
    @Test func theDelayIsKeptAndAReturningClientCancelsIt() throws {
        let (harness, watcher) = try Self.watched()
        try harness.connect("c", try Self.options(delay: .seconds(10))).detach(.lost)
        harness.advance(.seconds(9))
        #expect(try watcher.received() == [])
        try harness.connect("c", try Self.options(delay: .seconds(10))).detach(.lost)
        harness.advance(.seconds(9))
        #expect(try watcher.received() == [])
        harness.advance(.seconds(1))
        #expect(try watcher.received() == ["gone"])
    }

    @Test func theEndOfTheSessionCutsTheDelayShort() throws {
        let (harness, watcher) = try Self.watched()
        try harness.connect("c", try Self.options(delay: .seconds(100), expiry: .seconds(5))).detach(.lost)
        harness.advance(.seconds(5))
        #expect(try watcher.received() == ["gone"])
    }

    @Test func aTakeoverPublishesAWillWithoutDelay() throws {
        let (harness, watcher) = try Self.watched()
        _ = try harness.connect("c", try Self.options())
        _ = try harness.connect("c", try Self.options(delay: .seconds(5)))
        #expect(try watcher.received() == ["gone"])
        _ = try harness.connect("c", try Self.options())
        #expect(try watcher.received() == [])
    }

    @Test func aCleanStartEndsTheSessionAndPublishesADelayedWill() throws {
        let (harness, watcher) = try Self.watched()
        try harness.connect("c", try Self.options(delay: .seconds(100))).detach(.lost)
        _ = try harness.connect("c", .clean)
        #expect(try watcher.received() == ["gone"])
    }

    @Test func silenceIsALoss() throws {
        let (harness, watcher) = try Self.watched()
        var options = try Self.options()
        options.silence = .seconds(15)
        let client = try harness.connect("c", options)
        harness.advance(.seconds(14))
        try client.attachment.touch()
        harness.advance(.seconds(14))
        #expect(client.closed == [])
        harness.advance(.milliseconds(1_100))
        #expect(client.closed == [.silence])
        #expect(try watcher.received() == ["gone"])
    }

    @Test func aShorterSilenceCountsAtOnceAndNoneEndsSupervision() throws {
        let (harness, _) = try Self.watched()
        let client = try harness.connect("c", try Self.options())
        harness.advance(.seconds(100_000))
        #expect(client.closed == [])
        try client.attachment.supervise(.awake, silence: .seconds(60))
        try client.attachment.supervise(.asleep, silence: .seconds(10))
        harness.advance(.milliseconds(10_100))
        #expect(client.closed == [.silence])
    }

    @Test func theWillCanBeChangedAndKept() throws {
        let (harness, watcher) = try Self.watched()
        let client = try harness.connect("c", .durable)
        try client.attachment.updateWill(try SessionLifeTests.will())
        var keeping = SessionOptions.durable
        keeping.keepsWill = true
        try client.detach(.shutdown)
        try harness.connect("c", keeping).detach(.lost)
        #expect(try watcher.received() == ["gone"])
    }

    /// MQTT-SN 1.2, 6.3: who connects anew has not been lost.
    @Test(arguments: [true, false]) func aClientThatComesBackQuietlyIsNotLost(cleanStart: Bool) throws {
        let (harness, watcher) = try Self.watched()
        _ = try harness.connect("c", try Self.options())
        var options = SessionOptions(
            cleanStart: cleanStart, expiry: .zero, keepsWill: !cleanStart, replacesQuietly: true)
        let second = try harness.connect("c", options)
        #expect(try watcher.received() == [])
        #expect((try second.attachment.will == nil) == cleanStart)
        options.replacesQuietly = false
        _ = try harness.connect("c", options)
        #expect(try watcher.received() == (cleanStart ? [] : ["gone"]))
    }

    /// MQTT 3.1.1, MQTT-3.1.2-12
    @Test func aClientWithoutWillLeavesInSilence() throws {
        let (harness, watcher) = try Self.watched()
        try harness.connect("c", .durable).detach(.lost)
        harness.advance(.seconds(7_200))
        #expect(try watcher.received() == [])
    }

    /// MQTT-3.1.2-14, MQTT-3.1.2-15
    @Test(arguments: [true, false])
    func theWillIsRetainedAsAsked(_ retain: Bool) throws {
        let harness = try Harness()
        var options = SessionOptions.clean
        options.will = Will(topic: try TopicName("will"), payload: [1], qos: .atLeastOnce, retain: retain)
        try harness.connect("c", options).detach(.lost)
        #expect(harness.broker.statistics().retainedMessages == (retain ? 1 : 0))
    }
}
