import Foundation
import Glibc
package import Messaging

/// What an operator does with a store, also while a gateway is serving from it: look, check, copy. Reading shares the file with
/// a running gateway through SQLite's write-ahead log and never holds it up.
package struct StoreMaintenance {
    package struct Summary: Sendable, Equatable {
        package var schema = 0
        package var fileOctets = 0
        package var logOctets = 0
        package var sessions: Int64 = 0
        package var subscriptions: Int64 = 0
        package var queuedDeliveries: Int64 = 0
        package var messages: Int64 = 0
        package var payloadOctets: Int64 = 0
        package var retained: Int64 = 0
        /// Messages that wait for their time, and what gateways keep (registrations of LwM2M devices).
        package var delayed: Int64 = 0
        package var items: Int64 = 0
        /// A gateway or another tool has it open.
        package var isInUse = false
    }

    package let path: String

    package init(path: String) { self.path = path }

    package func summary() throws(StoreError) -> Summary {
        let database = try open()
        return try asking { () throws(DatabaseError) in
            var summary = Summary()
            summary.schema = try Schema.version(of: database)
            summary.sessions = try database.integer("SELECT count(*) FROM session") ?? 0
            summary.subscriptions = try database.integer("SELECT count(*) FROM subscription") ?? 0
            summary.queuedDeliveries = try database.integer("SELECT count(*) FROM queue") ?? 0
            summary.messages = try database.integer("SELECT count(*) FROM message") ?? 0
            summary.payloadOctets = try database.integer("SELECT sum(length(payload)) FROM message") ?? 0
            summary.retained = try database.integer("SELECT count(*) FROM retained") ?? 0
            // An older file lacks these tables until a gateway has brought it up to date.
            if summary.schema == Schema.steps.count {
                summary.delayed = try database.integer("SELECT count(*) FROM delayed") ?? 0
                summary.items = try database.integer("SELECT count(*) FROM item") ?? 0
            }
            summary.fileOctets = StoreFile.size(of: path)
            summary.logOctets = StoreFile.size(of: path + "-wal")
            summary.isInUse = (try? StoreLock(path: path + ".lock")) == nil
            return summary
        }
    }

    /// Reads every page and every reference.
    /// - Returns: what is wrong, a line each; empty when all is well.
    package func verify() throws(StoreError) -> [String] {
        let database = try open()
        var findings: [String] = []
        do throws(DatabaseError) {
            try check(database, &findings)
        } catch {
            guard error.isDamage else { throw unreadable(error) }
            // Damage may also end the check itself.
            findings.append("the check ends early: \(error.sentence) (\(error.message))")
        }
        return findings
    }

    private func check(_ database: Database, _ findings: inout [String]) throws(DatabaseError) {
        let rows = try database.prepare("PRAGMA integrity_check(100)")
        while try rows.step() {
            if let text = rows.text(0), text != "ok" { findings.append(text) }
        }
        guard findings.isEmpty else { return }
        for (sentence, condition) in Self.references {
            let count = try database.integer("SELECT count(*) FROM \(condition)") ?? 0
            if count > 0 { findings.append("\(count) \(sentence)") }
        }
    }

    private static let references = [
        ("deliveries without their message", "queue WHERE message NOT IN (SELECT id FROM message)"),
        ("deliveries without their session", "queue WHERE session NOT IN (SELECT number FROM session)"),
        ("subscriptions without their session", "subscription WHERE session NOT IN (SELECT number FROM session)"),
        ("messages nobody waits for", "message WHERE id NOT IN (SELECT message FROM queue)"),
    ]

    /// Copies the store as it is at this moment into a new file, complete or not at all.
    package func backup(to target: String) throws(StoreError) {
        guard access(target, F_OK) != 0 else {
            throw StoreError(description: "the backup exists already (\(target)): choose another name or remove it")
        }
        let database = try open()
        let partial = target + ".partial"
        unlink(partial)
        do throws(DatabaseError) {
            try database.copy(to: partial)
        } catch {
            unlink(partial)
            throw StoreError(
                description: "the backup cannot be written (\(target)): \(error.sentence); check room and rights there")
        }
        guard rename(partial, target) == 0 else {
            throw StoreError(
                description: "the backup cannot be named (\(target)): \(StoreLock.reason(errno)); check the path")
        }
    }

    /// Everything as text, a JSON object a line, for other programs and other versions.
    package func export(line: (String) -> Void) throws(StoreError) {
        let database = try open()
        let state = try asking { () throws(DatabaseError) -> StoredState? in
            guard try Schema.version(of: database) == Schema.steps.count else { return nil }
            // One reading transaction: the state of one moment.
            try database.execute("BEGIN")
            return try StateReader(database: database).read().state
        }
        guard let state else {
            throw StoreError(
                description: "the store was written by an older Apus (\(path)): start this version on it once, "
                    + "which brings it up to date")
        }
        PortableState(state).lines(line)
    }

    /// Fills a store that is empty or not there from exported lines.
    /// - Returns: how many lines were taken.
    package func importing(_ lines: some Sequence<String>) throws(StoreError) -> Int {
        let store = try SQLiteStore(StoreOptions(path: path))
        defer { store.close() }
        let existing = try store.load()
        guard existing.sessions.isEmpty, existing.retained.isEmpty, existing.delayed.isEmpty, existing.items.isEmpty
        else {
            throw StoreError(
                description: "the store is not empty (\(path)): import into a new folder with --set data_dir=…")
        }
        let importer = PortableImporter()
        var count = 0
        for (number, line) in lines.enumerated() where !line.isEmpty {
            guard let changes = importer.changes(of: line) else {
                throw StoreError(
                    description: "line \(number + 1) is not part of an export; "
                        + "what came before it was taken: remove the store (\(path)) and import a correct file")
            }
            store.beginGroup()
            for change in changes { _ = store.append(change) }
            store.endGroup()
            count += 1
        }
        return count
    }

    private func open() throws(StoreError) -> Database {
        guard access(path, F_OK) == 0 else {
            throw StoreError(description: "there is no store (\(path)): check data_dir")
        }
        let (database, refusal) = try asking { () throws(DatabaseError) in
            let database = try Database(path, .readWrite)
            database.keepLog()
            return (database, try StoreFile.refusal(of: database))
        }
        if let refusal { throw refusal }
        return database
    }

    private func asking<Answer>(_ body: () throws(DatabaseError) -> Answer) throws(StoreError) -> Answer {
        do {
            return try body()
        } catch {
            throw unreadable(error)
        }
    }

    private func unreadable(_ error: DatabaseError) -> StoreError {
        StoreError(
            description: "the store cannot be read (\(path)): \(error.sentence); "
                + "a damaged store is saved into a new file at the next start of the gateway")
    }
}
