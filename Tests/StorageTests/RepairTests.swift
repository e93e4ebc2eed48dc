import Foundation
import Messaging
import TestKit
import Testing

@testable import Storage

/// What operators are told of a file that was damaged.
@Suite struct RepairTests {
    private static let count: UInt64 = 400

    private static func session(_ number: UInt64) -> StoreChange { .putSession(record(number)) }

    private static func subscription(_ number: UInt64) throws -> StoreChange {
        .putSubscription(SessionNumber(number), Subscription(filter: try TopicFilter("f/\(number)"), qos: .atLeastOnce))
    }

    private static func retained(_ number: UInt64) throws -> StoreChange {
        .putRetained(try message("r/\(number)", [UInt8](repeating: 7, count: 100)), expiresAt: nil)
    }

    /// One row in the named table for each number; sessions have theirs in any case.
    private static func change(_ table: String, _ number: UInt64) throws -> StoreChange {
        switch table {
        case "subscription": try subscription(number)
        case "retained": try retained(number)
        default: session(number)
        }
    }

    /// A closed file with a session, a subscription, a queued and a retained message for each number.
    private func fill(_ workshop: Workshop) async throws {
        let store = try workshop.open()
        let numbers = 1...Self.count
        try await store.write(
            numbers.map(Self.session) + (try numbers.map(Self.subscription)) + (try numbers.map(Self.retained))
                + (try numbers.map { enqueue($0, 1, try message("q")) }))
        store.close()
    }

    private func rowsLost(_ store: SQLiteStore) -> [String: UInt64] {
        Dictionary(uniqueKeysWithValues: store.report.rowsLost.filter { $0.value > 0 }.map { ($0.name, $0.value) })
    }

    @Test(arguments: ["session", "subscription", "retained"])
    func whatARepairLosesIsCountedAtOnce(table: String) async throws {
        let workshop = try Workshop()
        try await fill(workshop)
        let page = try workshop.page(leaf: 1, of: table)
        let store = try workshop.open()
        _ = try store.load()
        #expect(rowsLost(store).isEmpty && store.report.repairs == 0)
        try workshop.damage(page: page)
        // One of these changes meets the damaged page.
        try await store.write(try (1...Self.count).map { try Self.change(table, $0) })
        #expect(store.report.repairs == 1)
        let lost = rowsLost(store)
        #expect(Array(lost.keys) == [table])
        #expect((1...200).contains(try #require(lost[table])))
        #expect(store.readings.contains(CounterReading(name: "rows_lost_\(table)", value: lost[table] ?? 0)))
    }

    /// What is in memory is asked for, and nothing is thrown away meanwhile that belongs to a session that comes back.
    @Test func whatTheCoreHasInMemoryIsStoredAgain() async throws {
        let workshop = try Workshop()
        try await fill(workshop)
        let page = try workshop.page(leaf: 1, of: "session")
        let store = try workshop.open()
        _ = try store.load()
        let asked = Shared(0)
        store.onLoss { [weak store] in
            asked.change { $0 += 1 }
            for number in 1...Self.count where number != 200 { _ = store?.append(Self.session(number)) }
        }
        try workshop.damage(page: page)
        try await store.write([.removeSession(SessionNumber(200))])
        #expect(asked.read { $0 } == 1)
        let state = try workshop.reopened(store).load()
        #expect(state.sessions.map(\.record.number.value) == (1...Self.count).filter { $0 != 200 })
        #expect(state.sessions.allSatisfy { $0.subscriptions.count == 1 && $0.queue.count == 1 })
    }

    /// Messages are not in memory, or not for long.
    @Test func nobodyIsAskedForMessages() async throws {
        let workshop = try Workshop()
        try await fill(workshop)
        let page = try workshop.page(leaf: 1, of: "message")
        let store = try workshop.open()
        _ = try store.load()
        let asked = Shared(0)
        store.onLoss { asked.change { $0 += 1 } }
        try workshop.damage(page: page)
        try await store.write((1...Self.count).map { dequeue($0, 1) })
        #expect(store.report.repairs == 1 && asked.read { $0 } == 0)
    }

    /// Sessions take what belongs to them along.
    @Test(arguments: ["session", "subscription", "retained"])
    func whatAStartLosesIsCounted(table: String) async throws {
        let workshop = try Workshop()
        try await fill(workshop)
        try workshop.damage(page: try workshop.page(leaf: 1, of: table))
        let store = try workshop.open()
        let lost = rowsLost(store)
        #expect(store.report.repairs == 1 && lost[table] ?? 0 > 0)
        #expect(lost["queue"] ?? 0 == (table == "session" ? lost["subscription"] : 0))
    }

    /// Where a table ends is written on its last page; what comes before that can be read.
    @Test(arguments: ["session", "subscription", "retained"])
    func aDamagedEndOfATableCostsOnlyItsRows(table: String) async throws {
        let workshop = try Workshop()
        try await fill(workshop)
        try workshop.damage(page: try workshop.lastPage(of: table))
        let report = try Salvage(path: workshop.path).run()
        #expect(report.recovered[table] ?? 0 > 200)
        #expect(report.lost[table] ?? 0 > 0 && report.cutOff == [table])
    }

    /// Nothing can be read without the list of tables.
    @Test func aFileWithoutTablesIsToldToHaveLostThemAll() async throws {
        let workshop = try Workshop()
        try await fill(workshop)
        try workshop.damage(page: 1)
        let report = try Salvage(path: workshop.path).run()
        #expect(report.cutOff == Schema.tables && report.recovered.values.allSatisfy { $0 == 0 })
    }
}
