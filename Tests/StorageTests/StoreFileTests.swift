import Foundation
import Messaging
import TestKit
import Testing

@testable import Storage

/// Files that are missing, foreign, newer, in use, torn or damaged.
@Suite struct StoreFileTests {
    private func sentence(_ body: () throws -> SQLiteStore) throws -> String {
        do {
            _ = try body()
        } catch let error as StoreError {
            return error.description
        }
        return ""
    }

    @Test func foldersAreMade() throws {
        let workshop = try Workshop()
        _ = try workshop.open(workshop.folder + "/a/b/apus.db")
        #expect(FileManager.default.fileExists(atPath: workshop.folder + "/a/b/apus.db"))
    }

    @Test func aSecondProcessIsKeptAway() throws {
        let workshop = try Workshop()
        let first = try workshop.open()
        let sentence = try sentence { try workshop.open() }
        #expect(sentence.hasPrefix("the store is in use by another process (\(workshop.path).lock): stop that one"))
        first.close()
    }

    @Test func aFolderThatCannotBeMadeIsNamed() throws {
        let workshop = try Workshop()
        let sentence = try sentence { try workshop.open("/proc/apus-data/apus.db") }
        #expect(sentence.hasPrefix("the store's folder cannot be made (/proc/apus-data): "))
        #expect(sentence.contains("set data_dir"))
    }

    @Test func aFolderThatMayOnlyBeReadIsNamed() throws {
        let workshop = try Workshop()
        // /proc is read-only for everybody, also for root.
        let sentence = try sentence { try workshop.open("/proc/apus.db") }
        #expect(sentence.hasPrefix("the store's lock file cannot be opened (/proc/apus.db.lock): "))
    }

    @Test func aNewerSchemaIsRefused() throws {
        let workshop = try Workshop()
        try workshop.open().close()
        try Database(workshop.path, .readWrite).execute("PRAGMA user_version=99")
        let sentence = try sentence { try workshop.open() }
        #expect(
            sentence.hasPrefix(
                "the store was written by a newer Apus, with schema 99 where this one knows \(Schema.steps.count) (\(workshop.path)): "
                    + "start that version"))
    }

    @Test func aForeignDatabaseIsRefusedAndLeftAlone() throws {
        let workshop = try Workshop()
        try Database(workshop.path, .create).execute("CREATE TABLE theirs(x); INSERT INTO theirs VALUES(1)")
        #expect(try sentence { try workshop.open() }.contains("not a store of Apus"))
        #expect(try Database(workshop.path, .readOnly).integer("SELECT x FROM theirs") == 1)
    }

    @Test func olderFilesAreBroughtForward() throws {
        let workshop = try Workshop()
        let database = try Database(workshop.path, .create)
        try Schema.migrate(database, steps: Array(Schema.steps.prefix(1)))
        let later = Schema.steps + ["CREATE TABLE later(x)", "INSERT INTO later VALUES(3)"]
        try Schema.migrate(database, steps: later)
        #expect(try Schema.version(of: database) == later.count)
        #expect(try database.integer("SELECT x FROM later") == 3)
    }

    @Test func aFailedStepLeavesTheFileAsItWas() throws {
        let workshop = try Workshop()
        let database = try Database(workshop.path, .create)
        #expect(throws: DatabaseError.self) {
            try Schema.migrate(database, steps: ["CREATE TABLE a(x)", "nonsense"])
        }
        #expect(try Schema.version(of: database) == 0)
        #expect(try database.integer("SELECT count(*) FROM sqlite_schema") == 0)
    }

    /// A crash in the middle of a commit leaves half a transaction at the end of the log.
    @Test func aTornLogEndsAtItsLastCommit() async throws {
        let workshop = try Workshop()
        let store = try workshop.open()
        try await store.write([.putSession(record(1)), enqueue(1, 1, try message("t"))])
        let whole = StoreFile.size(of: workshop.path + "-wal")
        try await store.write((2...200).map { enqueue(1, $0, try message("t", [UInt8](repeating: 7, count: 200))) })
        let torn = StoreFile.size(of: workshop.path + "-wal")
        for length in stride(from: whole, to: torn, by: (torn - whole) / 7) {
            let path = try workshop.crashed("torn-\(length)")
            #expect(truncate(path + "-wal", length) == 0)
            let reopened = try workshop.open(path)
            #expect(try reopened.load().queue(1).map(\.sequence) == [1])
        }
    }

    private func filled(_ workshop: Workshop) async throws {
        let store = try workshop.open()
        try await store.write((1...3).map { .putSession(record($0)) })
        for start in stride(from: 1, through: 2_000, by: 500) as StrideThrough<UInt64> {
            try await store.write(
                try (start..<start + 500).map {
                    enqueue($0 % 3 + 1, $0, try message("t/\($0)", [UInt8](repeating: 7, count: 200)))
                })
        }
        store.close()
    }

    @Test func aDamagedPageCostsOnlyItsRows() async throws {
        let workshop = try Workshop()
        try await filled(workshop)
        // In the middle of the message table.
        try workshop.damage(page: try workshop.page(leaf: 20, of: "message"))
        let report = try Salvage(path: workshop.path).run()
        let lost = try #require(report.lost["message"])
        #expect(lost > 0 && lost < 30)
        #expect(report.lost["queue"] == lost)
        #expect(report.recovered["session"] == 3 && report.recovered["queue"] == 2_000 - lost)
        #expect(FileManager.default.fileExists(atPath: report.setAside))
        let state = try workshop.open().load()
        #expect(state.sessions.map(\.queue.count).reduce(0, +) == 2_000 - lost)
    }

    @Test func aDamagedStoreIsSalvagedAtTheStart() async throws {
        let workshop = try Workshop()
        try await filled(workshop)
        // As after a crash: a log with content asks for a check.
        let page = try workshop.page(leaf: 3, of: "queue")
        let store = try workshop.open()
        try await store.write([.putSession(record(9))])
        let path = try workshop.crashed()
        try workshop.damage(page: page, in: path)
        let state = try workshop.open(path).load()
        #expect(state.sessions.map(\.record.number.value) == [1, 2, 3, 9])
        let kept = state.sessions.map(\.queue.count).reduce(0, +)
        #expect(kept > 1_500 && kept < 2_000)
        #expect(FileManager.default.fileExists(atPath: path + ".damaged"))
    }

    /// Where a crash may end the exchange: the damaged file is still there, or set aside already.
    @Test(arguments: [true, false]) func aSavedFileTakesItsPlaceAfterACrash(damagedIsThere: Bool) async throws {
        let workshop = try Workshop()
        try await filled(workshop)
        let files = FileManager.default
        try files.moveItem(atPath: workshop.path, toPath: workshop.path + ".salvaged")
        if damagedIsThere {
            try Data(repeating: 0x41, count: 10_000).write(to: URL(filePath: workshop.path))
            try Data(repeating: 0x42, count: 10_000).write(to: URL(filePath: workshop.path + "-wal"))
        }
        let state = try workshop.open().load()
        #expect(state.sessions.map(\.queue.count).reduce(0, +) == 2_000)
        #expect(!files.fileExists(atPath: workshop.path + ".salvaged"))
        #expect(files.fileExists(atPath: workshop.path + ".damaged-wal") == damagedIsThere)
    }

    /// A page may go bad while nobody runs.
    @Test func damageThatOnlyReadingShowsIsSalvagedToo() async throws {
        let workshop = try Workshop()
        try await filled(workshop)
        try workshop.damage(page: try workshop.page(leaf: 3, of: "queue"))
        let kept = try workshop.open().load().sessions.map(\.queue.count).reduce(0, +)
        #expect(kept > 1_500 && kept < 2_000)
        #expect(FileManager.default.fileExists(atPath: workshop.path + ".damaged"))
    }

    @Test func aFileThatIsNoDatabaseIsSetAside() throws {
        let workshop = try Workshop()
        try Data(repeating: 0x41, count: 10_000).write(to: URL(filePath: workshop.path))
        #expect(try workshop.open().load().sessions.isEmpty)
        #expect(StoreFile.size(of: workshop.path + ".damaged") == 10_000)
    }
}
