import Messaging
import TestKit
import Testing

@testable import CoAP

@Suite struct ExchangeTableTests {
    private let start = Timestamp(nanoseconds: 1_000)
    private let answer = WireResponse(CoAPResponse(.changed))

    private func key(_ id: UInt16, token: [UInt8] = [1], port: UInt16 = 1) throws -> ExchangeTable.Key {
        ExchangeTable.Key(
            endpoint: EndpointKey(high: 0, low: 1, port: port, scope: 0), messageID: id,
            token: try #require(CoAPToken(token)))
    }

    @Test func repetitionGetsTheSameAnswerForALifetime() throws {
        var table = ExchangeTable(limits: CoAPLimits())
        let key = try key(1)
        #expect(table.receive(key, confirmable: true, now: start) == .new)
        #expect(table.receive(key, confirmable: true, now: start) == .repeated)
        table.answer(key, with: answer)
        #expect(table.receive(key, confirmable: true, now: start + .seconds(246)) == .repeatedWithAnswer(answer))
        #expect(table.receive(key, confirmable: true, now: start + .seconds(247)) == .new)
    }

    @Test func nonConfirmableIsForgottenSooner() throws {
        var table = ExchangeTable(limits: CoAPLimits())
        #expect(table.receive(try key(1), confirmable: false, now: start) == .new)
        #expect(table.receive(try key(1), confirmable: false, now: start + .seconds(144)) == .repeated)
        #expect(table.receive(try key(1), confirmable: false, now: start + .seconds(145)) == .new)
    }

    @Test func anotherTokenOrAddressIsAnotherRequest() throws {
        var table = ExchangeTable(limits: CoAPLimits())
        for key in [try key(1), try key(1, token: [2]), try key(1, token: []), try key(1, port: 2), try key(2)] {
            #expect(table.receive(key, confirmable: true, now: start) == .new)
        }
    }

    @Test func expiryFreesEverything() throws {
        var table = ExchangeTable(limits: CoAPLimits())
        for id: UInt16 in 0..<100 {
            let key = try key(id)
            _ = table.receive(key, confirmable: true, now: start)
            table.answer(key, with: answer)
        }
        table.expire(now: start + .seconds(247))
        #expect(table.count == 0)
        #expect(table.octets == 0)
        #expect(table.forgottenEarly == 0)
    }

    @Test func limitsForgetTheOldestAndCount() throws {
        var limits = CoAPLimits()
        limits.rememberedRequests = 10
        limits.rememberedOctets = 1_000
        var table = ExchangeTable(limits: limits)
        for id: UInt16 in 0..<100 {
            let key = try key(id)
            _ = table.receive(key, confirmable: true, now: start)
            table.answer(key, with: WireResponse(CoAPResponse(.content, payload: [UInt8](repeating: 0, count: 200))))
            #expect(table.octets <= 1_000)
        }
        #expect(table.count <= 10)
        #expect(table.forgottenEarly == UInt64(100 - table.count))
        #expect(table.receive(try key(0), confirmable: true, now: start) == .new)
    }
}

@Suite struct ReceivedOptionsTests {
    private func options(_ list: [(UInt16, [UInt8])]) -> ReceivedOptions {
        var options = ReceivedOptions()
        for (number, value) in list { options.add(number, value) }
        return options
    }

    @Test func valuesAreRead() {
        let read = options([
            (1, []), (1, [1, 2]), (4, [9]), (5, []), (6, []), (11, Array("ps".utf8)), (11, []), (12, [0x2D, 0x16]),
            (15, Array("a=b".utf8)), (17, [50]), (23, [0x16]), (27, [0x0E]), (60, [1, 0, 0]), (258, [26]), (292, [5]),
        ])
        #expect(read.ifMatch == [[], [1, 2]])
        #expect(read.etags == [[9]])
        #expect(read.ifNoneMatch)
        #expect(read.observe == 0)
        #expect(read.path == ["ps", ""])
        #expect(read.contentFormat == .lwm2mTLV)
        #expect(read.queries == ["a=b"])
        #expect(read.accept == .json)
        #expect(read.block2 == Block(number: 1, more: false, exponent: 6))
        #expect(read.block1 == Block(number: 0, more: true, exponent: 6))
        #expect(read.size1 == 65_536)
        #expect(read.suppresses(.changed) && read.suppresses(.notFound) && read.suppresses(.internalServerError))
        #expect(read.requestTag == [5])
        #expect(read.badOption == nil)
    }

    @Test(arguments: [
        (9_001, [0]), (1, [UInt8](repeating: 0, count: 9)), (5, [1]), (11, [UInt8](repeating: 65, count: 256)),
        (11, [0xC3, 0x28]), (17, [1, 2, 3]), (23, [1, 2, 3, 4]), (35, [65]),
    ] as [(UInt16, [UInt8])])
    func criticalOptionThatIsNotUnderstoodIsNamed(_ number: UInt16, _ value: [UInt8]) {
        #expect(options([(number, value)]).badOption == number)
    }

    @Test(arguments: [
        (9_000, [0]), (4, []), (6, [1, 2, 3, 4]), (12, [1, 2, 3]), (14, [1, 2, 3, 4, 5]), (258, [1, 2]),
    ] as [(UInt16, [UInt8])])
    func electiveOptionThatIsNotUnderstoodIsIgnored(_ number: UInt16, _ value: [UInt8]) {
        #expect(options([(number, value)]) .badOption == nil)
    }

    @Test func repeatedSingleOptionCountsAsNotUnderstood() {
        #expect(options([(17, [50]), (17, [60])]).badOption == 17)
        #expect(options([(12, [50]), (12, [60])]).contentFormat == .json)
    }

    @Test func integersAreWrittenShort() {
        #expect(WireOption(.maxAge, uint: 0).value == [])
        #expect(WireOption(.maxAge, uint: 60).value == [60])
        #expect(WireOption(.maxAge, uint: 65_536).value == [1, 0, 0])
    }
}

@Suite struct ObserveSequenceTests {
    private let now = Timestamp(nanoseconds: 1_000_000_000_000)

    @Test(arguments: [
        (1, 2, true), (2, 1, false), (5, 5, false), (0xFF_FFFF, 0, true), (0, 0xFF_FFFF, false),
        (0, (1 << 23) - 1, true), (0, 1 << 23, false),
    ] as [(UInt32, UInt32, Bool)])
    func newerIsDecidedModulo24Bits(_ old: UInt32, _ new: UInt32, _ isNewer: Bool) {
        #expect(ObserveSequence.isNewer(new, at: now, than: old, seenAt: now) == isNewer)
    }

    @Test func afterALongTimeEverythingIsNewer() {
        #expect(ObserveSequence.isNewer(1, at: now + .seconds(129), than: 2, seenAt: now))
    }

    @Test func numbersRiseAlsoWhenAnObservationBeginsAnew() {
        var first = ObserveSequence(startingAt: now)
        var last: UInt32 = 0
        for _ in 0..<1_000 { last = first.next() }
        var second = ObserveSequence(startingAt: now + .seconds(1))
        let later = now + .seconds(1)
        #expect(ObserveSequence.isNewer(second.next(), at: later, than: last, seenAt: later))
    }
}

@Suite struct DatagramHeaderTests {
    private static let request = TestMessage.request(
        .con, .post, "ps/a/b", id: 0x1234, token: [1, 2, 3], queries: ["clientid=c1"],
        options: [.init(258, [26]), .init(292, [1]), .init(12, [50])], payload: Array("21.5".utf8)
    ).octets

    @Test func wellFormedMessageIsRecognised() throws {
        let header = try #require(DatagramHeader(Self.request))
        #expect(header.kind == .confirmable)
        #expect(header.code.rawValue == 2)
        #expect(header.messageID == 0x1234)
    }

    @Test func wellFormedMessagesAreRead() throws {
        for row in try FixtureTable("coap/wellformed.txt").rows {
            let datagram = try #require(octets(hex: row[0]))
            let header = try #require(DatagramHeader(datagram), "\(row[4])")
            #expect("\(header.kind)" == row[1])
            #expect(header.code.description == row[2])
            #expect("\(header.messageID)" == row[3])
        }
    }

    @Test func malformedMessagesAreNot() throws {
        for row in try FixtureTable("coap/malformed.txt").rows {
            let datagram = try #require(octets(hex: row[0]))
            #expect(DatagramHeader(datagram) == nil, "\(row[1])")
        }
        #expect(DatagramHeader([]) == nil)
    }

    @Test func truncationAtEveryLengthIsSafe() {
        for count in 0..<Self.request.count { _ = DatagramHeader(Self.request.prefix(count)) }
    }

    @Test func mutationsAreSafe() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<20_000 { _ = DatagramHeader(generator.mutate(Self.request)) }
    }
}

@Suite struct LinkFormatTests {
    private let links = [
        CoAPLink("/ps", [.init("rt", "core.ps core.ps.coll"), .init("obs")]),
        CoAPLink("/rd", [.init("rt", "core.rd"), .init("ct", "40"), .init("title", "devices here")]),
    ]

    @Test func linksAreWritten() {
        #expect(
            LinkFormat.encode(links)
                == #"</ps>;rt="core.ps core.ps.coll";obs,</rd>;rt="core.rd";ct=40;title="devices here""#)
    }

    @Test(arguments: [
        ([], ["/ps", "/rd"]), (["rt=core.ps"], ["/ps"]), (["rt=core.ps.coll"], ["/ps"]), (["rt=core.*"], ["/ps", "/rd"]),
        (["rt=core"], []), (["ct=40"], ["/rd"]), (["href=/p*"], ["/ps"]), (["title=devices"], []), (["title=devices*"], ["/rd"]),
        (["obs"], []), (["rt=core.ps", "rt=core.rd"], []), (["none=*"], []),
    ] as [([String], [String])])
    func queryFilters(_ queries: [String], _ expected: [String]) {
        #expect(LinkFormat.filter(links, queries: queries).map(\.target) == expected)
    }
}

@Suite struct ContentFormatTests {
    @Test(arguments: [
        ("application/json", 50), ("Application/JSON", 50), ("text/plain", 0), ("text/plain; charset=utf-8", 0),
        ("application/vnd.oma.lwm2m+tlv", 11542), ("application/vnd.coap-content-format;ct=4711", 4711),
    ] as [(String, UInt16)])
    func mediaTypeHasItsNumber(_ mediaType: String, _ number: UInt16) {
        #expect(ContentFormat(mediaType: mediaType)?.rawValue == number)
    }

    @Test func everyNumberComesBack() {
        for number in stride(from: UInt16.min, to: UInt16.max, by: 17) {
            let format = ContentFormat(rawValue: number)
            #expect(ContentFormat(mediaType: format.mediaType) == format)
        }
        #expect(ContentFormat(mediaType: "image/x-unheard-of") == nil)
    }
}

@Suite struct TimerQueueTests {
    @Test func actionsComeInOrderOfTimeThenOfAdding() {
        var queue = TimerQueue<Int>()
        var generator = SeededGenerator(seed: 3)
        let times = (0..<500).map { _ in Int64.random(in: 0..<50, using: &generator) }
        for (index, time) in times.enumerated() { queue.add(index, at: Timestamp(nanoseconds: time)) }
        var popped: [Int] = []
        while let action = queue.popDue(now: Timestamp(nanoseconds: 50)) { popped.append(action) }
        #expect(popped == times.indices.sorted { (times[$0], $0) < (times[$1], $1) })
        #expect(queue.isEmpty)
    }
}
