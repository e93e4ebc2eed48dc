package import Messaging
package import NIOCore
import Synchronization

/// Measures how late event loops begin what is due: a task every tenth of a second on each loop, compared with the time it was
/// set for. What makes it late makes every device of that loop wait as long.
package final class LoopDelayProbe: Sendable {
    package static let interval = TimeAmount.milliseconds(100)

    private let loops: [(loop: any EventLoop, histogram: DurationHistogram)]
    private let isOver = Atomic<Bool>(false)

    /// Begins at once.
    package init(group: any EventLoopGroup) {
        loops = group.makeIterator().map { loop in
            let bounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000].map { Duration.milliseconds($0) }
            return (loop, DurationHistogram(bounds: [.microseconds(100), .microseconds(500)] + bounds))
        }
        for (loop, histogram) in loops { schedule(on: loop, histogram, at: loop.now + Self.interval) }
    }

    /// Ends it within an interval.
    package func stop() { isOver.store(true, ordering: .relaxed) }

    /// One for each loop, in seconds.
    package var readings: [HistogramReading] { loops.map(\.histogram.reading) }

    private func schedule(on loop: any EventLoop, _ histogram: DurationHistogram, at deadline: NIODeadline) {
        loop.scheduleTask(deadline: deadline) { [self] in
            let now = loop.now
            histogram.record(.nanoseconds((now - deadline).nanoseconds))
            if !isOver.load(ordering: .relaxed) { schedule(on: loop, histogram, at: now + Self.interval) }
        }
    }
}
