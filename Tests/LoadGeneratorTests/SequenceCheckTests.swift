import LoadGenerator
import Testing

/// The yardstick itself.
@Suite struct SequenceCheckTests {
    @Test(arguments: [
        ([0, 1, 2] as [UInt64], 3, 0, 0), ([0, 2], 2, 0, 0), ([0, 1, 1], 2, 1, 0), ([0, 2, 1], 3, 0, 1),
        ([0, 2, 1, 1], 3, 1, 1), ([1, 1, 0], 2, 1, 1), ([], 0, 0, 0),
    ])
    func lossDoublesAndOrderAreToldApart(numbers: [UInt64], distinct: Int, doubled: Int, outOfOrder: Int) {
        var check = SequenceCheck()
        for number in numbers { check.record(number) }
        #expect(check.distinct == distinct)
        #expect(check.doubled == doubled)
        #expect(check.outOfOrder == outOfOrder)
    }

    @Test func whetherAllHaveComeIsKnownWithoutNamingThem() {
        var check = SequenceCheck()
        #expect(check.isComplete(below: 0) && !check.isComplete(below: 1))
        for number in [0, 1, 3] as [UInt64] { check.record(number) }
        #expect(check.isComplete(below: 2) && !check.isComplete(below: 3) && !check.isComplete(below: 4))
        check.record(2)
        #expect(check.isComplete(below: 4) && !check.isComplete(below: 5))
    }
}
