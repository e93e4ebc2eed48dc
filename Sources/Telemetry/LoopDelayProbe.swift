import Glibc
package import Messaging
package import NIOCore
import Synchronization

/// Measures how late event loops begin what they are given: a task every tenth of a second for each loop, which notes how long it waited. What
/// makes it wait makes every device of that loop wait as long. A loop that has nothing to do is woken once a second only.
///
/// The tasks come from outside: a loop with a timer of its own asks for the time and looks at the timer in each of its turns.
package final class LoopDelayProbe: Sendable {
    private let loops: [MeasuredLoop]

    package init(group: any EventLoopGroup) { loops = group.makeIterator().map(MeasuredLoop.init) }

    /// To be called every tenth of a second (`ProbePace.whileBusy`), by one thread.
    package func measure() { for loop in loops { loop.measure() } }

    /// One for each loop, in seconds.
    package var readings: [HistogramReading] { loops.map(\.histogram.reading) }
}

private final class MeasuredLoop: Sendable {
    private struct State {
        /// Not known before the loop has been measured once.
        var pace: ProbePace?
        /// Calls of `measure` until the next is due.
        var calls = 1
        /// The loop has not come to it yet.
        var isUnderway = false

        mutating func begin() -> Bool {
            guard !isUnderway else { return false }
            calls -= 1
            isUnderway = calls == 0
            return isUnderway
        }

        mutating func end(work: Duration, delay: Duration) {
            let next = pace?.next(work: work, delay: delay) ?? ProbePace(work: work)
            pace = next
            calls = next.calls
            isUnderway = false
        }
    }

    private let loop: any EventLoop
    let histogram: DurationHistogram
    private let state = Mutex(State())

    init(_ loop: any EventLoop) {
        self.loop = loop
        let bounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000].map { Duration.milliseconds($0) }
        histogram = DurationHistogram(bounds: [.microseconds(100), .microseconds(500)] + bounds)
    }

    func measure() {
        guard state.withLock({ $0.begin() }) else { return }
        let given = loop.now
        loop.execute { [self] in
            let delay = Duration.nanoseconds((loop.now - given).nanoseconds)
            histogram.record(delay)
            state.withLock { $0.end(work: .threadWork, delay: delay) }
        }
    }
}

extension Duration {
    /// Processor time this thread has used.
    fileprivate static var threadWork: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
