import Foundation
import Messaging
import TestKit
import Testing

@testable import Storage

/// A store without room makes no promises, and goes on by itself when there is room again.
@Suite struct FullStoreTests {
    private func fill(_ store: SQLiteStore, _ failing: @Sendable () -> Bool) async throws -> (
        last: UInt64, point: CommitPoint
    ) {
        let payload = [UInt8](repeating: 3, count: 2_000)
        var sequence: UInt64 = 0
        var point = CommitPoint.none
        while !failing() {
            guard sequence < 20_000 else { throw Waited(description: "the store never became full") }
            sequence += 1
            point = store.append(enqueue(1, sequence, try message("t", payload)))
            while store.committed < point, !failing() { await Task.yield() }
        }
        return (sequence, point)
    }

    @Test func aStoreAtItsSizeLimitFailsUntilThereIsRoom() async throws {
        let workshop = try Workshop()
        let store = try workshop.open { $0.maximumOctets = 500_000 }
        try await store.write([.putSession(record(1))])
        let (last, point) = try await fill(store) { store.isFailing }
        #expect(store.committed < point)
        let kept = try workshop.open(try workshop.crashed()).load().queue(1)
        #expect(kept.map(\.sequence) == Array(1..<last))
        // Receivers acknowledge: what they free makes the room.
        for sequence in 1...10 as ClosedRange<UInt64> { _ = store.append(dequeue(1, sequence)) }
        try await store.reach(point)
        #expect(!store.isFailing)
        let state = try workshop.reopened(store).load()
        #expect(state.queue(1).map(\.sequence) == Array(11...last))
    }

    @Test(.enabled(if: MemoryDisk.isAvailable, "a small disk has to be mounted, which takes root"))
    func aFullDiskIsNoFalsePromise() async throws {
        let workshop = try Workshop()
        let disk = workshop.folder + "/disk"
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        try MemoryDisk.mount("size=2m", at: disk)
        defer { MemoryDisk.unmount(disk) }
        try Data(count: 700_000).write(to: URL(filePath: disk + "/ballast"))
        do {
            let store = try workshop.open(disk + "/apus.db")
            try await store.write([.putSession(record(1))])
            let (last, point) = try await fill(store) { store.isFailing }
            #expect(store.committed < point)
            try FileManager.default.removeItem(atPath: disk + "/ballast")
            try await store.reach(point)
            #expect(!store.isFailing)
            store.close()
            #expect(try Database(disk + "/apus.db", .readOnly).integer("SELECT count(*) FROM queue") == Int64(last))
        }
    }
}
