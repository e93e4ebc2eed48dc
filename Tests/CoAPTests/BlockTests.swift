import Messaging
import Testing

@testable import CoAP

/// Block1, Block2 and the transfers made of them, as values.
@Suite struct BlockTests {
    @Test(arguments: [
        (0x00, 0, false, 16), (0x0E, 0, true, 1_024), (0x13, 1, false, 128), (0xFF_FFFE, 0xF_FFFF, true, 1_024),
    ] as [(UInt32, UInt32, Bool, Int)])
    func optionValueIsReadAndWritten(_ value: UInt32, _ number: UInt32, _ more: Bool, _ size: Int) throws {
        let block = try #require(Block(value: value))
        #expect(block.number == number)
        #expect(block.more == more)
        #expect(block.size == size)
        #expect(block.offset == Int(number) * size)
        #expect(block.value == value)
    }

    @Test func reservedSizeAndLongNumberAreRefused() {
        #expect(Block(value: 7) == nil)
        #expect(Block(value: 0x100_0000) == nil)
    }

    @Test func exponentIsTheLargestThatFits() {
        #expect([0, 16, 31, 32, 1_023, 1_024, 9_999].map(Block.exponent(notAbove:)) == [0, 0, 0, 1, 5, 6, 6])
    }

    @Test func cuttingCoversTheBodyExactly() throws {
        let body = (0..<100).map { UInt8($0) }
        var joined: [UInt8] = []
        var last: Block?
        while last?.more ?? true {
            let part = try #require(Block.cut(body, offset: joined.count, exponent: 0))
            joined += part.payload
            last = part.block
        }
        #expect(joined == body)
        #expect(last?.number == 6)
        #expect(Block.cut(body, offset: 112, exponent: 0) == nil)
        #expect(Block.cut([], offset: 0, exponent: 6)?.block == Block(number: 0, more: false, exponent: 6))
    }
}

@Suite struct UploadTableTests {
    private let start = Timestamp(nanoseconds: 1_000)

    private func key(_ port: UInt16 = 1, path: String = "t", tag: [UInt8] = []) -> TransferKey {
        TransferKey(
            endpoint: EndpointKey(high: 0, low: 1, port: port, scope: 0), method: .put, path: [path], queries: [],
            accept: nil, requestTag: tag)
    }

    private func put(
        _ table: inout UploadTable, _ number: UInt32, more: Bool, _ count: Int = 16, format: ContentFormat? = nil,
        key: TransferKey, at time: Timestamp
    ) -> UploadTable.Outcome {
        table.accept(
            Block(number: number, more: more, exponent: 0), payload: [UInt8](repeating: UInt8(number), count: count),
            contentFormat: format, sizeHint: nil, key: key, now: time)
    }

    @Test func blocksInSequenceMakeABody() {
        var table = UploadTable(limits: CoAPLimits())
        #expect(put(&table, 0, more: true, key: key(), at: start) == .goOn(Block(number: 0, more: true, exponent: 0)))
        #expect(put(&table, 1, more: true, key: key(), at: start) == .goOn(Block(number: 1, more: true, exponent: 0)))
        let whole = [UInt8](repeating: 0, count: 16) + [UInt8](repeating: 1, count: 16) + [2, 2, 2]
        #expect(put(&table, 2, more: false, 3, key: key(), at: start) == .complete(whole))
        #expect(table.count == 0)
        #expect(table.octets == 0)
    }

    @Test func singleBlockIsTheBody() {
        var table = UploadTable(limits: CoAPLimits())
        #expect(put(&table, 0, more: false, 5, key: key(), at: start) == .complete([0, 0, 0, 0, 0]))
    }

    @Test func anotherFormatTagOrPathIsAnotherBody() {
        var table = UploadTable(limits: CoAPLimits())
        _ = put(&table, 0, more: true, key: key(), at: start)
        for other in [key(2), key(path: "u"), key(tag: [1])] {
            guard case .refused(.requestEntityIncomplete, _, _) = put(&table, 1, more: false, key: other, at: start) else {
                Issue.record("a block of another transfer was taken")
                return
            }
        }
        #expect(table.count == 1)
        guard case .refused(.requestEntityIncomplete, _, _) = put(&table, 1, more: false, format: .json, key: key(), at: start)
        else {
            Issue.record("a block of another format was taken")
            return
        }
        #expect(table.count == 0)
    }

    @Test func abandonedUploadIsFreedAfterItsLifetime() {
        var table = UploadTable(limits: CoAPLimits())
        _ = put(&table, 0, more: true, key: key(), at: start)
        table.expire(now: start + .seconds(246))
        #expect(table.count == 1)
        table.expire(now: start + .seconds(247))
        #expect(table.count == 0)
        #expect(table.octets == 0)
        #expect(table.abandoned == 1)
    }

    @Test func limitsHoldWhateverIsBegun() {
        var limits = CoAPLimits()
        limits.transfersPerPeer = 3
        limits.transferOctets = 160
        var table = UploadTable(limits: limits)
        for index in 0..<1_000 {
            _ = put(&table, 0, more: true, key: key(UInt16(index % 7), path: "\(index)"), at: start)
            #expect(table.octets <= 160)
        }
        #expect(table.count == 10)
        #expect(table.abandoned == 990)
    }
}

@Suite struct OutgoingTransferTests {
    private let limits = CoAPLimits()

    @Test func shortPayloadNeedsNoBlocks() {
        var transfer = OutgoingTransfer(payload: [1, 2], limits: limits)
        #expect(transfer.first() == .init(payload: [1, 2][...], carriesPayload: true))
        let answer = CoAPResponse(.changed)
        #expect(transfer.receive(answer, block1: nil, block2: nil) == .complete(answer))
    }

    @Test func deviceMayAskForSmallerBlocks() {
        let payload = [UInt8](repeating: 7, count: 2_000)
        var transfer = OutgoingTransfer(payload: payload, limits: limits)
        #expect(transfer.first().block1 == Block(number: 0, more: true, exponent: 6))
        let smaller = Block(number: 0, more: true, exponent: 2)
        guard case .next(let step) = transfer.receive(CoAPResponse(.continue), block1: smaller, block2: nil) else {
            Issue.record("the transfer did not go on")
            return
        }
        #expect(step.block1 == Block(number: 16, more: true, exponent: 2))
        #expect(step.payload.count == 64)
    }

    @Test func tooLargeBlockIsSentAgainSmaller() {
        var transfer = OutgoingTransfer(payload: [UInt8](repeating: 7, count: 2_000), limits: limits)
        let hint = Block(number: 0, more: true, exponent: 3)
        guard case .next(let step) = transfer.receive(CoAPResponse(.requestEntityTooLarge), block1: hint, block2: nil) else {
            Issue.record("the transfer did not go on")
            return
        }
        #expect(step.block1 == Block(number: 0, more: true, exponent: 3))
    }

    @Test func contradictingBlocksAreUnusable() {
        var first = OutgoingTransfer(payload: [], limits: limits)
        // Continue without anything left to send, and a first block that is not the first.
        #expect(first.receive(CoAPResponse(.continue), block1: nil, block2: nil) == .unusable)
        let later = Block(number: 1, more: true, exponent: 0)
        #expect(first.receive(CoAPResponse(.content), block1: nil, block2: later) == .unusable)
        var second = OutgoingTransfer(payload: [], limits: limits)
        let start = CoAPResponse(.content, etag: [1], payload: [UInt8](repeating: 1, count: 16))
        _ = second.receive(start, block1: nil, block2: Block(number: 0, more: true, exponent: 0))
        let changed = CoAPResponse(.content, etag: [2], payload: [1])
        #expect(second.receive(changed, block1: nil, block2: Block(number: 1, more: false, exponent: 0)) == .unusable)
    }

    @Test func endlessAnswerIsUnusable() {
        var limits = CoAPLimits()
        limits.bodyOctets = 100
        var transfer = OutgoingTransfer(payload: [], limits: limits)
        let part = CoAPResponse(.content, payload: [UInt8](repeating: 1, count: 16))
        var outcomes: [OutgoingTransfer.Outcome] = []
        for number: UInt32 in 0..<7 {
            outcomes.append(transfer.receive(part, block1: nil, block2: Block(number: number, more: true, exponent: 0)))
        }
        #expect(outcomes.last == .unusable)
    }
}
