import Foundation
import TestKit
import Testing

/// 74: the same as `DamageTests`, sent to the built program over UDP. `APUS_LONG_TESTS=1` sends a million datagrams.
@Suite("Damage over a socket")
struct DamageOverSocketTests {
    private static let isLong = ProcessInfo.processInfo.environment["APUS_LONG_TESTS"] != nil
    private static let rounds = isLong ? 1_000_000 : 20_000
    /// Datagrams that the system holds for a gateway that is busy.
    private static let batch = 64
    /// What the program may grow by once a tenth has been sent. By then there are as many sessions as may be: a damaged client id is
    /// another client, with a keep alive longer than all this takes.
    private static let growthLimit = 16 << 20
    /// Strangers are not slowed down, so that every datagram is looked at.
    private static let settings = [
        "mqttsn.strangers_per_second=0", "limits.sessions=1000", "mqttsn.version_2_draft=true",
        "mqttsn.session_expiry=1s",
        "store.durability=memory", "log.level=error",
    ]

    @Test("74: the program neither ends nor grows, and its answers are fewer than the questions")
    func damage() async throws {
        let apus = try await RunningApus(Self.settings)
        let port = try apus.port("mqttsn.udp")
        let fence = try Fence(port: port)
        let attackers = try (0..<100).map { try UDPSocket(host: "127.0.0.\(100 + $0 % 10)", gateway: port) }
        var generator = SeededGenerator(seed: 74)
        var answers = 0
        var octetsAfterAWhile = 0
        let start = ContinuousClock.now
        for round in 0..<Self.rounds {
            if round == Self.rounds / 10 { octetsAfterAWhile = try apus.residentOctets }
            let octets = generator.mutate(DamageTests.corpus[round % DamageTests.corpus.count])
            try attackers[round % attackers.count].send(octets)
            guard round % Self.batch == Self.batch - 1 else { continue }
            try fence.pass()
            for attacker in attackers { while try attacker.receive(within: 0) != nil { answers += 1 } }
        }
        let growth = try apus.residentOctets - octetsAfterAWhile
        if Self.isLong {
            print(
                "\(Self.rounds) datagrams in \(ContinuousClock.now - start): \(answers) answers, \(growth) octets more")
        }
        #expect(growth < Self.growthLimit)
        // Requests to clients are repeated four times at most.
        #expect(answers < 5 * Self.rounds)
        #expect(try await apus.stop() == 0)
    }

    /// What one answers is carried to the other as a datagram of its own, and back.
    @Test("74: two programs that hear each other fall silent") func noReplyToAReply() async throws {
        let programs = [try await RunningApus(Self.settings), try await RunningApus(Self.settings)]
        let ports = try programs.map { try $0.port("mqttsn.udp") }
        let fences = try ports.map { try Fence(port: $0) }
        let relays = try ports.map { try UDPSocket(host: "127.0.0.99", gateway: $0) }
        var generator = SeededGenerator(seed: 47)
        for round in 0..<2_000 {
            var pending = [generator.mutate(DamageTests.corpus[round % DamageTests.corpus.count])]
            var hearer = 0
            var exchanges = 0
            while !pending.isEmpty, exchanges < 100 {
                for octets in pending { try relays[hearer].send(octets) }
                try fences[hearer].pass()
                pending = []
                while let answer = try relays[hearer].receive(within: 0) { pending.append(answer) }
                hearer = 1 - hearer
                exchanges += 1
            }
            #expect(exchanges < 20)
        }
        for program in programs { #expect(try await program.stop() == 0) }
    }
}

/// A client of its own. What was sent before its PINGREQ is worked off before that is answered; the second one comes after the turns
/// that the first found waiting.
private struct Fence {
    private let socket: UDPSocket

    struct Broken: Error {}

    init(port: Int) throws {
        socket = try UDPSocket(host: "127.0.0.200", gateway: port)
        try socket.send([0x0C, 0x04, 0x04, 0x01, 0x00, 0x00] + Array("~fence".utf8))
        guard try socket.receive() == [0x03, 0x05, 0x00] else { throw Broken() }
    }

    func pass() throws {
        for _ in 0..<2 {
            try socket.send([0x02, 0x16])
            guard try socket.receive() == [0x02, 0x17] else { throw Broken() }
        }
    }
}
