import Messaging
import Testing

@Suite struct TimestampTests {
    @Test func saturatesAtNever() {
        #expect(Timestamp(nanoseconds: 5) + .seconds(Int64.max) == .never)
        #expect(Timestamp.never + .seconds(1) == .never)
    }

    @Test func countsFractions() {
        #expect((Timestamp(nanoseconds: 0) + .milliseconds(1_500)).nanoseconds == 1_500_000_000)
        #expect(Timestamp(nanoseconds: 3_000).since(Timestamp(nanoseconds: 1_000)) == .nanoseconds(2_000))
    }
}
