import MQTTCodec
import Testing

@testable import MQTTServer

/// When what a read leaves to do is done: at the end of the loop's turn, or at once when reads come alone.
@Suite struct TurnTests {
    /// As many turns with one read as prove it; then as many reads done at once as are trusted, and two turns that are looked at.
    @Test func readsAreAloneAfterTurnsThatHadOneAndUntilATurnHasMore() {
        var reads = LoneReads()
        func turn(_ count: Int) -> [Bool] {
            let alone = (0..<count).map { _ in reads.isAlone() }
            if alone.contains(false) { reads.endTurn() }
            return alone
        }
        for _ in 0..<8 { #expect(turn(1) == [false]) }
        for _ in 0..<3 {
            for _ in 0..<16 { #expect(turn(1) == [true]) }
            for _ in 0..<2 { #expect(turn(1) == [false]) }
        }
        for _ in 0..<5 { #expect(turn(3) == [true, true, true]) }
        #expect(turn(3) == [true, false, false], "a turn of which only the end is looked at")
        #expect(turn(3) == [false, false, false])
        for _ in 0..<8 { #expect(turn(1) == [false]) }
        #expect(turn(1) == [true])
    }

    @Test func turnsWithoutReadsSayNothing() {
        var reads = LoneReads()
        for _ in 0..<8 {
            reads.endTurn()
            let isAlone = reads.isAlone()
            #expect(!isAlone)
            reads.endTurn()
        }
        let isAlone = reads.isAlone()
        #expect(isAlone)
    }

    /// Passed on and acknowledged within the read, but for the turns that are looked at; every message once and in its order.
    @Test func messagesThatComeAloneArePassedOnAtOnce() throws {
        let conversation = Conversation()
        let receiver = try conversation.connectedClient(id: "receiver")
        try receiver.subscribe("t", .atMostOnce)
        let publisher = try conversation.connectedClient(id: "publisher")
        var atOnce = 0
        for number in 1...100 {
            let identifier = try #require(PacketIdentifier(UInt16(number)))
            try publisher.sendWithinTurn(.publish("t", "\(number)", .atLeastOnce, id: identifier))
            let early = (try receiver.receiveWithinTurn(), try publisher.receiveWithinTurn())
            #expect(early.0.count == early.1.count)
            atOnce += early.0.count
            #expect(try early.0 + receiver.receive() == [.publish("t", "\(number)")])
            #expect(try (early.1 + publisher.receive()).map(\.type) == [.puback])
        }
        #expect(78...90 ~= atOnce)
    }

    /// Reads of one turn are passed on in one write, but for those of a short while after reads that came alone.
    @Test func messagesOfOneTurnArePassedOnTogether() throws {
        let conversation = Conversation()
        let receiver = try conversation.connectedClient(id: "receiver")
        try receiver.subscribe("t", .atMostOnce)
        let publishers = try (0..<5).map { try conversation.connectedClient(id: "\($0)") }
        for number in 0..<50 {
            try publishers[0].send(.publish("t", "\(number)"))
            #expect(try receiver.receive().count == 1)
        }
        var writes: [Int] = []
        for _ in 0..<20 {
            let before = receiver.writes
            for publisher in publishers { try publisher.sendWithinTurn(.publish("t", "x")) }
            #expect(try receiver.receive().count == 5)
            writes.append(receiver.writes - before)
        }
        #expect(writes.suffix(15).allSatisfy { $0 == 1 })
    }
}
