import Testing

@testable import LoadGenerator

@Suite struct InFlightWindowTests {
    @Test func aMessageIsOnTheWayUntilAllItsArrivals() {
        var window = InFlightWindow(capacity: 2)
        #expect(window.begin(at: 10, arrivals: 2) == 0)
        #expect(window.begin(at: 20, arrivals: 1) == 1)
        #expect(!window.hasRoom)
        #expect(window.arrive(1) == 20)
        #expect(!window.hasRoom, "the older one holds its place")
        #expect(window.arrive(0) == 10)
        #expect(window.arrive(0) == 10)
        #expect(window.isEmpty)
        #expect(window.arrive(0) == nil, "an arrival too many")
    }

    @Test func identifiersGoRoundAndFindTheirMessage() {
        var window = InFlightWindow(capacity: 4)
        for ordinal in 0..<UInt64(70_000) {
            let isRight =
                window.begin(at: 0, arrivals: 1) == ordinal
                && InFlightWindow.identifier(of: ordinal) == UInt16(ordinal % 65_535) + 1
                && window.ordinal(of: InFlightWindow.identifier(of: ordinal)) == ordinal
                && window.arrive(ordinal) != nil
            guard isRight else {
                Issue.record("message \(ordinal) is lost sight of")
                return
            }
        }
        #expect(window.ordinal(of: 1) == nil)
        #expect(window.ordinal(of: 0) == nil)
    }

    @Test func aWindowIsNeverWidened() {
        var window = InFlightWindow(capacity: 3)
        window.narrow(to: 100)
        #expect(window.capacity == 3)
        window.narrow(to: 1)
        _ = window.begin(at: 0, arrivals: 1)
        #expect(!window.hasRoom)
    }
}
