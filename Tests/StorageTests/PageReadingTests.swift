import Foundation
import Messaging
import TestKit
import Testing

@testable import Storage

/// Long queues come back in pages.
@Suite struct PageReadingTests {
    private func page(_ store: SQLiteStore, _ sequences: ClosedRange<UInt64>, after: CommitPoint = .none) async throws
        -> QueuePage
    {
        let came = Shared<QueuePage?>(nil)
        store.read(PageRequest(session: SessionNumber(1), sequences: sequences, after: after)) { page in
            came.change { $0 = page }
        }
        guard let page = await came.wait(within: .patience, until: { $0 }) else {
            throw Waited(description: "the page did not come")
        }
        return page
    }

    private func queue(_ sequences: ClosedRange<UInt64>) throws -> [StoreChange] {
        try [.putSession(record(1))] + sequences.map { enqueue(1, $0, try message("t/\($0)", [UInt8($0)])) }
    }

    @Test func deliveriesComeBackAsTheyWere() async throws {
        let store = try Workshop().open()
        let properties = MessageProperties(contentType: "x")
        let delivery = QueuedRecord(
            sequence: 3, message: try message("t", [9], properties: properties), expiresAt: .seconds(50),
            waitsUntil: .seconds(40),
            qos: .exactlyOnce, retain: true, subscriptionIDs: .many([7, 8]))
        try await store.write(try queue(1...2) + [.enqueue(SessionNumber(1), delivery), dequeue(1, 2)])
        let page = try await page(store, 1...3)
        #expect(page.records.map(\.sequence) == [1, 3] && page.through == 3)
        let last = try #require(page.records.last)
        #expect(
            last.message.payload == [9] && last.message.topic.string == "t" && last.message.properties == properties)
        #expect(last.expiresAt == .seconds(50) && last.waitsUntil == .seconds(40))
        #expect(last.qos == .exactlyOnce && last.retain && last.subscriptionIDs == .many([7, 8]) && last.packetID == 0)
    }

    @Test func aPageWaitsUntilItsDeliveriesAreStored() async throws {
        let store = try Workshop().open { $0.linger = .milliseconds(50) }
        let point = try queue(1...3).map { store.append($0) }.last ?? .none
        #expect(try await page(store, 1...3, after: point).records.map(\.sequence) == [1, 2, 3])
        #expect(store.committed >= point)
    }

    @Test func whatIsNotInTheFileIsNotInThePage() async throws {
        let workshop = try Workshop()
        let store = try workshop.open()
        try await store.write(try queue(1...3))
        try Database(workshop.path, .readWrite).execute("DELETE FROM message WHERE topic='t/2'")
        let page = try await page(store, 1...3)
        #expect(page.records.map(\.sequence) == [1, 3] && page.through == 3)
    }

    @Test func aRestartTellsTheBeginningInFullAndTheRestInShort() async throws {
        let workshop = try Workshop()
        let store = try workshop.open()
        try await store.write(
            try queue(1...6) + [.progress(SessionNumber(1), sequence: 1, packetID: 1, released: true)])
        store.close()
        let session = try #require(try workshop.open { $0.fullDeliveries = 3 }.load().sessions.first)
        #expect(session.queue.map(\.sequence) == [1, 2, 3])
        #expect(session.rest.map(\.sequence) == [4, 5, 6] && session.rest.map(\.octets) == [4, 4, 4])
        #expect(session.rest.map(\.topic) == (try (4...6).map { try TopicName("t/\($0)").digest }))
    }

    @Test func whatIsOnTheWayIsAlwaysToldInFull() async throws {
        let workshop = try Workshop()
        let store = try workshop.open()
        try await store.write(
            try queue(1...4) + [.progress(SessionNumber(1), sequence: 4, packetID: 4, released: false)])
        store.close()
        let session = try #require(try workshop.open { $0.fullDeliveries = 1 }.load().sessions.first)
        #expect(session.queue.map(\.sequence) == [1, 4] && session.queue.map(\.packetID) == [0, 4])
        #expect(session.rest.map(\.sequence) == [2, 3])
    }

    /// A store that cannot write goes on giving.
    @Test func afullStoreStillReadsWhatItHas() async throws {
        let store = try Workshop().open { $0.maximumOctets = 300_000 }
        try await store.write(try queue(1...3))
        var sequence: UInt64 = 3
        while !store.isFailing {
            sequence += 1
            let point = store.append(enqueue(1, sequence, try message("t", [UInt8](repeating: 1, count: 2_000))))
            while store.committed < point, !store.isFailing { await Task.yield() }
        }
        let page = try await page(store, 2...sequence, after: CommitPoint(sequence: .max))
        #expect(page.records.map(\.sequence) == Array(2..<sequence) && page.through == sequence - 1)
    }

    // MARK: Damage

    /// A store whose queue of 500 lies in a file of which a leaf of `message` goes bad after the start.
    private func damaged(_ workshop: Workshop) async throws -> SQLiteStore {
        let before = try workshop.open()
        let payload = [UInt8](repeating: 7, count: 200)
        try await before.write(
            try [.putSession(record(1))] + (1...500).map { enqueue(1, $0, try message("t", payload)) })
        before.close()
        let store = try workshop.open { $0.fullDeliveries = 10 }
        _ = try store.load()
        try workshop.damage(page: try workshop.page(leaf: 8, of: "message"))
        return store
    }

    private func reading(_ name: String, _ store: SQLiteStore) -> UInt64 {
        store.readings.first { $0.name == name }?.value ?? 0
    }

    @Test func aPageThatGoesBadCostsItsMessagesOnly() async throws {
        let workshop = try Workshop()
        let store = try await damaged(workshop)
        let page = try await page(store, 11...500)
        let lost = 490 - page.records.count
        #expect(page.through == 500 && lost > 0 && lost < 30)
        #expect(reading("deliveries_unreadable", store) == UInt64(lost) && reading("read_failures", store) == 0)
    }

    /// What lies on it cannot be removed from that file: it is exchanged for what can be read of it, and the store goes on.
    @Test func aFileWithABadPageIsRepairedWhileItServes() async throws {
        let workshop = try Workshop()
        let store = try await damaged(workshop)
        let first = try await page(store, 11...200).records
        #expect(first.count < 190)
        try await store.write((11...200).map { dequeue(1, $0) } + [enqueue(1, 501, try message("t", [9]))])
        #expect(!store.isFailing && reading("repairs", store) == 1)
        #expect(FileManager.default.fileExists(atPath: workshop.path + ".damaged"))
        #expect(try await page(store, 201...501).records.map(\.sequence) == Array(201...501))
        store.close()
        #expect(try workshop.open().load().queue(1).map(\.sequence) == Array(1...10) + Array(201...501))
        #expect(try StoreMaintenance(path: workshop.path).verify() == [])
    }

    /// Where there is no room for the new file, the old one goes on giving.
    @Test func aFileThatCannotBeRepairedStillGivesWhatItHas() async throws {
        let workshop = try Workshop()
        let store = try await damaged(workshop)
        // A folder in the way of the new file.
        try FileManager.default.createDirectory(atPath: workshop.path + ".salvage/x", withIntermediateDirectories: true)
        beginEnding(store, 11...200)
        while !store.isFailing { await Task.yield() }
        #expect(try await page(store, 201...500).records.map(\.sequence) == Array(201...500))
        #expect(reading("repairs", store) == 0)
    }

    private func beginEnding(_ store: SQLiteStore, _ sequences: ClosedRange<UInt64>) {
        for sequence in sequences { _ = store.append(dequeue(1, sequence)) }
    }

    /// A file of the first schema, with a delivery in it.
    @Test func aQueueOfAnOlderSchemaIsBroughtForward() async throws {
        let workshop = try Workshop()
        do {
            let database = try Database(workshop.path, .create)
            try StoreFile.configure(database)
            try Schema.migrate(database, steps: Array(Schema.steps.prefix(1)))
            try database.execute(
                """
                INSERT INTO session VALUES(1,'c',60000000,NULL,1,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
                INSERT INTO message VALUES(7,'t',x'01',1,0,5000000,NULL,NULL,1);
                INSERT INTO queue VALUES(9,1,3,7,1,0,NULL,0,0)
                """)
        }
        #expect(throws: StoreError.self) { try StoreMaintenance(path: workshop.path).export { _ in } }
        let store = try workshop.open()
        let delivery = try #require(try store.load().queue(1).first)
        #expect(delivery.sequence == 3 && delivery.expiresAt == .seconds(5) && delivery.waitsUntil == nil)
        try await store.write([enqueue(1, 4, try message("t"))])
        #expect(try await page(store, 3...4).records.map(\.sequence) == [3, 4])
    }
}
