import Messaging
import Testing

@testable import BrokerCore

@Suite struct DeadlineQueueTests {
    private static func at(_ milliseconds: Int64) -> Timestamp { Timestamp(nanoseconds: milliseconds * 1_000_000) }

    @Test func nothingComesEarlyAndAllComesWithinATick() {
        var queue = DeadlineQueue<Int>(now: Self.at(0))
        for milliseconds in stride(from: 0, through: 5_000, by: 37) {
            queue.insert(milliseconds, at: Self.at(Int64(milliseconds)))
        }
        for now in stride(from: 0, through: 5_200, by: 50) {
            for due in queue.removeDue(at: Self.at(Int64(now))) {
                #expect(due <= now)
                #expect(now - due <= 150)
            }
        }
        #expect(queue.removeDue(at: Self.at(1_000_000)).isEmpty)
    }

    @Test func aLeapOfTheClockBringsEverythingInOrder() {
        var queue = DeadlineQueue<Int>(now: Self.at(0))
        for second in [30, 10, 20] { queue.insert(second, at: Self.at(Int64(second) * 1_000)) }
        queue.insert(0, at: .never)
        #expect(queue.removeDue(at: Self.at(3_600_000)) == [10, 20, 30])
    }

    @Test func whatIsDueInThePastComesWithTheNextTick() {
        var queue = DeadlineQueue<Int>(now: Self.at(10_000))
        _ = queue.removeDue(at: Self.at(10_000))
        queue.insert(1, at: Self.at(500))
        #expect(queue.removeDue(at: Self.at(10_100)) == [1])
    }
}
