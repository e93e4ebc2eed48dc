import Glibc
package import Messaging
package import NIOCore
import Synchronization

/// Measures how late event loops begin what is due: a task every tenth of a second on each loop, compared with the time it was
/// set for. What makes it late makes every device of that loop wait as long. A loop that has nothing to do is woken once a second only.
package final class LoopDelayProbe: Sendable {
    private let loops: [(loop: any EventLoop, histogram: DurationHistogram)]
    private let isOver = Atomic<Bool>(false)

    /// Begins at once.
    package init(group: any EventLoopGroup) {
        loops = group.makeIterator().map { loop in
            let bounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000].map { Duration.milliseconds($0) }
            return (loop, DurationHistogram(bounds: [.microseconds(100), .microseconds(500)] + bounds))
        }
        for (loop, histogram) in loops {
            loop.execute { self.measure(loop, histogram, ProbePace(work: .threadWork)) }
        }
    }

    /// Ends it within a second.
    package func stop() { isOver.store(true, ordering: .relaxed) }

    /// One for each loop, in seconds.
    package var readings: [HistogramReading] { loops.map(\.histogram.reading) }

    private func measure(_ loop: any EventLoop, _ histogram: DurationHistogram, _ pace: ProbePace) {
        let deadline = loop.now + .nanoseconds(pace.interval.wholeNanoseconds)
        loop.scheduleTask(deadline: deadline) { [self] in
            let delay = Duration.nanoseconds((loop.now - deadline).nanoseconds)
            histogram.record(delay)
            guard !isOver.load(ordering: .relaxed) else { return }
            measure(loop, histogram, pace.next(work: .threadWork, delay: delay))
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
