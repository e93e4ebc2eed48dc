import Foundation
import LoadGenerator
import TestKit
import Testing

/// A client that was away for long: its queue lies in the store, survives the end of the gateway, and comes back whole.
///
/// `make test` does it with as many messages as a debug build takes in a few seconds; `make bench-restart` with a million and a release
/// build, where the time to be serving again and the memory of a queued message are held to what is promised.
@Suite(.serialized) struct LongQueueTests {
    private static let isLong = ProcessInfo.processInfo.environment["TEST_BENCH"] != nil
    private static let count = isLong ? 1_000_000 : 8_000
    private static let inMemory = 1_000

    private static let settings = [
        "limits.mailbox.offline_messages=2000000", "limits.mailbox.octets=1GB", "limits.mailbox.in_memory=\(inMemory)",
        "sys_interval=500ms",
    ]

    @Test(arguments: [SIGTERM, SIGKILL])
    func aLongQueueSurvivesTheEndOfTheGateway(signal: Int32) async throws {
        let queue = LongQueue()
        let before = try await RunningApus(Self.settings)
        let atFirst = try before.residentOctets
        try await queue.subscribe(port: before.port("mqtt.tcp"))
        try await queue.publish(0..<UInt64(Self.count), port: before.port("mqtt.tcp"))
        let filled = try before.residentOctets - atFirst
        before.program.signal(signal)
        _ = try await before.program.exitStatus()

        let started = ContinuousClock.now
        let after = try await RunningApus(Self.settings + ["data_dir=\(before.dataDirectory)"])
        let startup = ContinuousClock.now - started
        let restarted = try after.residentOctets - atFirst
        let received = try await queue.receive(Self.count, port: after.port("mqtt.tcp"))
        #expect(received.distinct == Self.count && received.doubled == 0 && received.outOfOrder == 0)
        let ledger = try await Ledger.read(port: after.port("mqtt.tcp"))
        #expect(ledger.isBalanced)
        #expect(try await after.stop() == 0)
        guard Self.isLong else { return }
        let beyond = Self.count - Self.inMemory
        print(
            "\(Self.count) queued messages, ended by signal \(signal): serving again after \(startup), resident octets for each "
                + "beyond those in memory: \(filled / beyond) before, \(restarted / beyond) after the restart")
        #expect(startup < .seconds(3))
        #expect(restarted / beyond < 64)
    }
}
