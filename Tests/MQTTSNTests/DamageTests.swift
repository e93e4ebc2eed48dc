import Foundation
import Logging
import Messaging
import NIOCore
import TestKit
import Testing

@testable import BrokerCore
@testable import MQTTSN

/// 74: datagrams of the scenarios, damaged, from a hundred ports. `APUS_LONG_TESTS=1` sends a million of them.
@Suite("Damage")
struct DamageTests {
    private static let isLong = ProcessInfo.processInfo.environment["APUS_LONG_TESTS"] != nil
    private static let rounds = isLong ? 1_000_000 : 20_000
    /// What the process may grow by meanwhile, in the long form, where nothing else runs beside it.
    private static let growthLimit = 64 << 20
    /// Everything clients send in the scenarios.
    static let corpus = ConversationTests.scenarios.flatMap { scenario in
        scenario.lines.filter { $0.words[0].hasSuffix(">") && $0.words[0] != "G>" }
            .compactMap { octets(hex: $0.words.dropFirst().joined()) }
    }

    @Test("74: damaged datagrams neither trap nor pile up, and answers are fewer than questions")
    func damage() throws {
        let gateway = try LoopUnderTest(name: 1)
        var generator = SeededGenerator(seed: 74)
        var answers = 0
        var octetsAfterAWhile = 0
        for round in 0..<Self.rounds {
            if round == Self.rounds / 10 { octetsAfterAWhile = try ResidentMemory.octets() }
            let octets = generator.mutate(Self.corpus[round % Self.corpus.count])
            answers += gateway.receive(octets, port: 10_000 + round % 100).count
            if round.isMultiple(of: 100) { answers += gateway.wait(.seconds(1)).count }
        }
        let growth = try ResidentMemory.octets() - octetsAfterAWhile
        if Self.isLong { print("after \(Self.rounds) datagrams: \(answers) answers, \(growth) octets more") }
        #expect(!Self.isLong || growth < Self.growthLimit)
        // Requests to clients are repeated four times at most.
        #expect(answers < 5 * Self.rounds)
        _ = gateway.wait(.seconds(100_000), step: .seconds(50))
        // What is left are connections whose damaged keep alive is 0 or hours long.
        #expect(gateway.broker.statistics().attached < 1_000)
        #expect(
            gateway.receive([0x08, 0x04, 0x04, 0x01, 0x00, 0x3C, 0x63, 0x31], port: 20_000).last == [0x03, 0x05, 0x00])
        #expect(gateway.broker.statistics().ledger.isBalanced)
    }

    @Test("74: two gateways that hear each other fall silent") func noLoop() throws {
        let gateways = [try LoopUnderTest(name: 1), try LoopUnderTest(name: 2)]
        var generator = SeededGenerator(seed: 47)
        for round in 0..<2_000 {
            let question = generator.mutate(Self.corpus[round % Self.corpus.count])
            var speaker = 0
            var pending = gateways[0].receive(question, port: 1_884)
            var exchanges = 0
            while !pending.isEmpty, exchanges < 100 {
                speaker = 1 - speaker
                pending = pending.flatMap { gateways[speaker].receive($0, port: 1_884) }
                exchanges += 1
            }
            #expect(exchanges < 20)
        }
    }
}

/// The gateway's loop with the core behind it, without sockets.
final class LoopUnderTest {
    let clock = ManualClock()
    let broker: CoreBroker
    private let loop: GatewayLoop
    private let scheduled = Flag()

    init(name: UInt8, publishesClientStatus: Bool = true) throws {
        broker = try CoreBroker(clock: clock, authenticator: LoopbackAuthenticator(allowsAnonymous: true))
        var settings = MQTTSNSettings()
        settings.gatewayID = name
        settings.publishesClientStatus = publishesClientStatus
        settings.strangersPerSecond = 0
        settings.speaksDraft = true
        settings.sessionExpiry = .seconds(60)
        loop = GatewayLoop(
            broker: broker, settings: settings, counters: Counters(), logger: Logger(label: "test"),
            notes: NoteList { [scheduled] in scheduled.raise() })
    }

    func receive(_ octets: [UInt8], port: Int) -> [[UInt8]] {
        guard let address = try? SocketAddress(ipAddress: "127.0.0.1", port: port) else { return [] }
        loop.receive(ByteBuffer(bytes: octets), from: address, to: nil)
        return turn()
    }

    func wait(_ duration: Duration, step: Duration = .seconds(1)) -> [[UInt8]] {
        var sent: [[UInt8]] = []
        var left = duration
        while left > .zero {
            clock.advance(by: step)
            broker.tick()
            loop.runTimers()
            sent += turn()
            left -= step
        }
        return sent
    }

    private func turn() -> [[UInt8]] {
        var sent: [[UInt8]] = []
        repeat {
            scheduled.lower()
            loop.finishTurn { _, datagram in sent.append(Array(datagram.readableBytesView)) }
        } while scheduled.isRaised
        return sent
    }
}
