import Messaging
import Synchronization
import TestKit
import Testing

@testable import BrokerCore

/// How the silence of clients is watched: one look ahead for each, whatever they do.
@Suite struct SilenceTests {
    private static func sleeper(_ harness: Harness, _ clientID: String = "c", silence: Duration) throws -> TestClient {
        var options = SessionOptions.clean
        options.silence = silence
        return try harness.connect(clientID, options)
    }

    @Test func whoWakesOftenLeavesNothingBehind() throws {
        let harness = try Harness()
        let client = try Self.sleeper(harness, silence: .seconds(3_600))
        for _ in 0..<1_000 {
            try client.attachment.supervise(.asleep, silence: .seconds(3_600))
            harness.advance(.seconds(1))
            try client.attachment.supervise(.awake, silence: .seconds(3_600))
        }
        #expect(harness.broker.deadlines.withLock { $0.count } == 1)
        try client.attachment.supervise(.asleep, silence: .seconds(3_600))
        harness.advance(.seconds(3_599))
        #expect(client.closed == [])
        harness.advance(.seconds(2))
        #expect(client.closed == [.silence])
    }

    @Test func aShorterSilenceCountsAtOnceAndALongerOneLater() throws {
        let harness = try Harness()
        let short = try Self.sleeper(harness, "short", silence: .seconds(1_000))
        try short.attachment.supervise(.asleep, silence: .seconds(10))
        let long = try Self.sleeper(harness, "long", silence: .seconds(10))
        try long.attachment.supervise(.asleep, silence: .seconds(1_000))
        harness.advance(.seconds(11))
        #expect(short.closed == [.silence] && long.closed == [])
        harness.advance(.seconds(988))
        #expect(long.closed == [])
        harness.advance(.seconds(2))
        #expect(long.closed == [.silence] && short.closed == [.silence])
    }

    @Test func silenceThatBeginsAnewEndsLater() throws {
        let harness = try Harness()
        let client = try Self.sleeper(harness, silence: .seconds(10))
        for _ in 0..<10 {
            harness.advance(.seconds(9))
            try client.attachment.touch()
        }
        try client.attachment.supervise(.awake, silence: nil)
        harness.advance(.seconds(100))
        try client.attachment.supervise(.awake, silence: .seconds(5))
        harness.advance(.seconds(4))
        #expect(client.closed == [])
        harness.advance(.seconds(2))
        #expect(client.closed == [.silence])
    }
}
