import Testing

@testable import Telemetry

/// How often an event loop is measured.
@Suite struct ProbePaceTests {
    @Test func aLoopThatHasNothingToDoIsMeasuredOnceASecond() {
        var pace = ProbePace(work: .milliseconds(500))
        #expect(pace.interval == .milliseconds(100))
        pace = pace.next(work: .microseconds(500_999), delay: .microseconds(100))
        #expect(pace.interval == .seconds(1))
        pace = pace.next(work: .microseconds(510_998), delay: .microseconds(100))
        #expect(pace.interval == .seconds(1))
        pace = pace.next(work: .microseconds(520_998), delay: .microseconds(100))
        #expect(pace.interval == .milliseconds(100), "a hundredth of a second's work in a second")
    }

    @Test func aLoopThatIsLateIsMeasuredOftenWhateverItWorked() {
        let pace = ProbePace(work: .zero).next(work: .zero, delay: .milliseconds(10))
        #expect(pace.interval == .milliseconds(100))
        #expect(pace.next(work: .zero, delay: .microseconds(9_999)).interval == .seconds(1))
    }
}
