import Dispatch
import Messaging
import NIOCore
import NIOPosix
import Testing

@testable import Telemetry

/// How late event loops begin what they are given.
@Suite struct LoopDelayProbeTests {
    /// A loop that does not come to it is not given the next, so that what holds it up is counted once, as long as it was.
    @Test func aLoopThatIsHeldUpIsMeasuredOnce() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let probe = LoopDelayProbe(group: group)
        let (begun, mayEnd) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        group.next().execute {
            begun.signal()
            mayEnd.wait()
        }
        begun.wait()
        for _ in 0..<20 { probe.measure() }
        #expect(probe.readings.map(\.count) == [0])
        mayEnd.signal()
        try group.next().submit {}.wait()
        #expect(probe.readings.map(\.count) == [1])
        probe.measure()
        try group.next().submit {}.wait()
        #expect(probe.readings.map(\.count) == [2], "measured again at once, as nothing says yet that it is idle")
        try group.syncShutdownGracefully()
    }
}
