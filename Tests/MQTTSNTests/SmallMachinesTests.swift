import Messaging
import NIOCore
import TestKit
import Testing

@testable import MQTTSN

@Suite("ReturnCode")
struct ReturnCodeTests {
    /// MQTT-SN 1.2, 6.8: the client sends the message again after T_WAIT.
    @Test(arguments: [PublishRefusal.receiverFull, .quotaExceeded])
    func whatIsRefusedForNowIsCongestion(refusal: PublishRefusal) {
        #expect(ReturnCode(refusal) == .congestion)
    }
}

@Suite("SilenceTolerance")
struct SilenceToleranceTests {
    @Test(
        "16, 59: half is added up to a minute, a tenth above",
        arguments: [
            (10, 15_000), (30, 45_000), (59, 88_500), (60, 90_000), (61, 67_100), (90, 99_000), (65_535, 72_088_500),
        ])
    func allows(seconds: UInt16, milliseconds: Int) {
        #expect(SilenceTolerance().allowedSilence(seconds: seconds) == .milliseconds(milliseconds))
    }

    @Test func zeroMeansNoSupervision() {
        #expect(SilenceTolerance().allowedSilence(seconds: 0) == nil)
    }
}

@Suite("RetryTimer")
struct RetryTimerTests {
    @Test func repeatsAsOftenAsThePolicySaysAndThenGivesUp() {
        let policy = RetryPolicy(interval: .seconds(10), repetitions: 2)
        var now = Timestamp(nanoseconds: 0)
        var timer = RetryTimer(policy, now: now)
        #expect(timer.fire(policy, now: now + .seconds(9)) == .notDue)
        for expected in [RetryTimer.Outcome.sendAgain, .sendAgain, .exhausted, .exhausted] {
            now = now + .seconds(10)
            #expect(timer.fire(policy, now: now) == expected)
        }
    }
}

@Suite("DuplicateWindow")
struct DuplicateWindowTests {
    private func publish(_ messageID: UInt16, _ payload: String = "x", isDuplicate: Bool = false) -> Packet.Publish {
        Packet.Publish(
            isDuplicate: isDuplicate, qos: .atLeastOnce, topicID: .normal(1), messageID: messageID,
            payload: ByteBuffer(string: payload))
    }

    @Test func remembersTheLastSixteen() {
        let now = Timestamp(nanoseconds: 0)
        var window = DuplicateWindow()
        for messageID in UInt16(1)...17 { window.insert(publish(messageID), now: now) }
        #expect(!window.contains(publish(1, isDuplicate: true), now: now))
        #expect(window.contains(publish(2, isDuplicate: true), now: now))
        #expect(!window.contains(publish(2), now: now))
        #expect(window.contains(publish(17), now: now))
        #expect(!window.contains(publish(17, "y"), now: now))
        #expect(!window.contains(publish(17), now: now + DuplicateWindow.lifetime))
    }
}

@Suite("DeadlineQueue")
struct DeadlineQueueTests {
    private func time(_ nanoseconds: Int64) -> Timestamp { Timestamp(nanoseconds: nanoseconds) }

    @Test func yieldsWhatIsDueInOrder() {
        var generator = SeededGenerator(seed: 7)
        var queue = DeadlineQueue()
        let deadlines = (0..<500).map { _ in Int64.random(in: 0..<1_000, using: &generator) }
        for (place, deadline) in deadlines.enumerated() { queue.set(place, to: time(deadline)) }
        #expect(queue.earliest?.nanoseconds == deadlines.min())
        var seen: [Int64] = []
        while let place = queue.popDue(now: time(700)) { seen.append(deadlines[place]) }
        #expect(seen == deadlines.filter { $0 <= 700 }.sorted())
        #expect(queue.count == deadlines.count - seen.count)
    }

    @Test func eachHasOneDeadlineThatMovesAndEnds() {
        var generator = SeededGenerator(seed: 11)
        var queue = DeadlineQueue()
        var deadlines: [Int: Int64] = [:]
        for _ in 0..<5_000 {
            let place = Int.random(in: 0..<200, using: &generator)
            deadlines[place] = Bool.random(using: &generator) ? Int64.random(in: 0..<1_000, using: &generator) : nil
            queue.set(place, to: deadlines[place].map { time($0) })
            #expect(queue.count == deadlines.count)
            #expect(queue.earliest?.nanoseconds == deadlines.values.min())
        }
        var seen: [Int64] = []
        while let place = queue.popDue(now: time(1_000)) { seen.append(deadlines[place] ?? -1) }
        #expect(seen == deadlines.values.sorted())
    }
}

@Suite("ReplyThrottle")
struct ReplyThrottleTests {
    private func peer(_ number: Int) throws -> PeerAddress {
        PeerAddress(remote: try SocketAddress(ipAddress: "192.0.2.1", port: number), nodeID: nil)
    }

    @Test func answersOncePerIntervalAndABoundedNumberInAll() throws {
        var throttle = ReplyThrottle(interval: .seconds(5), perSecond: 3)
        let start = Timestamp(nanoseconds: 0)
        #expect(throttle.allows(try peer(1), now: start))
        #expect(!throttle.allows(try peer(1), now: start + .seconds(4)))
        #expect(throttle.allows(try peer(1), now: start + .seconds(5)))
        #expect(throttle.allows(try peer(2), now: start + .seconds(5)))
        #expect(throttle.allows(try peer(3), now: start + .seconds(5)))
        #expect(!throttle.allows(try peer(4), now: start + .seconds(5)))
        #expect(throttle.allows(try peer(4), now: start + .seconds(6)))
    }

    @Test func remembersABoundedNumberOfPeers() throws {
        var throttle = ReplyThrottle(interval: .seconds(5), perSecond: 1_000, capacity: 2)
        let start = Timestamp(nanoseconds: 0)
        #expect(throttle.allows(try peer(1), now: start))
        #expect(throttle.allows(try peer(2), now: start))
        #expect(!throttle.allows(try peer(3), now: start))
        #expect(throttle.allows(try peer(3), now: start + .seconds(5)))
    }
}
