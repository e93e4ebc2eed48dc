import Foundation
import LoadGenerator
import MQTTCodec
import TestKit
import Testing

/// 100 publishers and 100 subscribers at each QoS, all at once. The run lasts 30 s because what it looks for, a window that fills, a
/// mailbox that overflows, needs that many messages.
@Suite(.serialized) struct LoadTests {
    @Test func aHundredPairsAtEachQoSForHalfAMinute() async throws {
        let apus = try await RunningApus(["sys_interval=500ms"])
        let port = try apus.port("mqtt.tcp")
        try await withThrowingTaskGroup(of: (QoS, RunResult).self) { group in
            for qos in QoS.allCases {
                group.addTask { (qos, try await apus.load(qos: qos, pairs: 100, for: .seconds(30))) }
            }
            for try await (qos, result) in group {
                print("QoS \(qos.rawValue): \(result.published) published, \(result.operations) delivered in 30 s")
                #expect(result.published > 0)
                #expect(result.outOfOrder == 0)
                #expect(result.doubled == 0)
                // A publisher's window waits for its receivers, so that not even QoS 0 overflows a mailbox.
                #expect(result.lost == 0)
            }
        }
        let ledger = try await Ledger.read(port: port)
        #expect(ledger.isBalanced)
        #expect(ledger.dropped["mailbox_full", default: 0] == 0)
        #expect(try await apus.stop() == 0)
    }

    @Test func theLedgerBalancesWhileMessagesFlow() async throws {
        let apus = try await RunningApus(["sys_interval=100ms", "limits.mailbox.online_messages=50"])
        let port = try apus.port("mqtt.tcp")
        async let load = apus.load(qos: .atLeastOnce, pairs: 20, for: .seconds(3))
        let watcher = try Program(
            "mosquitto_sub", ["-h", "127.0.0.1", "-p", "\(port)", "-t", "$SYS/broker/ledger", "-C", "15"])
        #expect(try await watcher.exitStatus() == 0)
        let ledgers = try watcher.lines.map { try Ledger(json: $0) }
        #expect(ledgers.count == 15)
        let unbalanced = ledgers.filter { !$0.isBalanced }
        #expect(unbalanced.isEmpty)
        let moments = Set(ledgers.map(\.accepted))
        #expect(moments.count > 5, "messages were flowing meanwhile")
        #expect(try await load.isFlawless)
        #expect(try await apus.stop() == 0)
    }
}

/// The account of all messages as `$SYS/broker/ledger` shows it.
struct Ledger: Decodable {
    var accepted: Int
    var delivered: Int
    var queued: Int
    var expired: Int
    var dropped: [String: Int]

    var isBalanced: Bool { accepted == delivered + queued + expired + dropped.values.reduce(0, +) }

    init(json: String) throws {
        self = try JSONDecoder().decode(Ledger.self, from: Data(json.utf8))
    }

    static func read(port: Int) async throws -> Ledger {
        // The first is the retained one, the second is of now.
        let watcher = try Program(
            "mosquitto_sub", ["-h", "127.0.0.1", "-p", "\(port)", "-t", "$SYS/broker/ledger", "-C", "2"])
        _ = try await watcher.exitStatus()
        return try Ledger(json: watcher.lines.last ?? "")
    }
}
