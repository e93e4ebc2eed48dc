import Glibc
import Messaging

/// Saves what can be read of a damaged file into a new one, which takes its place; the damaged one is set aside.
///
///     apus.db ──▶ apus.db.salvage ──complete──▶ apus.db.salvaged ──▶ apus.db
///        └──────────────────────────────────────▶ apus.db.damaged ┘
///
/// A crash before the new file is complete leaves the damaged one to begin anew; after that, the next start goes on with the
/// exchange of the two (`finish`). At no moment does the old file's log lie beside the new file.
///
/// Tables are walked by their integer keys; where a page cannot be read, the walk goes on behind it (`TableWalk`).
struct Salvage {
    let path: String
    /// The sessions that are lost are in somebody's memory and will be written again: what belongs to them stays.
    var sessionsComeBack = false

    struct Report: Equatable {
        /// Where the damaged file is now.
        var setAside = ""
        /// Rows saved, by table.
        var recovered: [String: Int] = [:]
        /// Rows known to be lost: of gaps and of rows that referred to lost ones.
        var lost: [String: Int] = [:]
        /// Tables whose end cannot be read: of what is lost there, which nobody knows, one row is counted.
        var cutOff: [String] = []

        /// Something is lost that the core has in memory while it serves (`Store.onLoss`).
        var isOfTheCore: Bool {
            !lost.keys.allSatisfy { ["meta", "message", "queue", "item"].contains($0) }
        }

        fileprivate mutating func cutOff(_ table: String) {
            cutOff.append(table)
            lost[table, default: 0] += 1
        }
    }

    func run() throws(StoreError) -> Report {
        var report = Report(setAside: unusedName())
        let fresh = path + ".salvage"
        for suffix in ["", "-wal", "-shm"] { unlink(fresh + suffix) }
        do throws(DatabaseError) {
            try copy(to: fresh, &report)
        } catch {
            throw StoreError(
                description: "the store is damaged and cannot be saved into a new file (\(fresh)): \(error.sentence); "
                    + "make room and the folder writable, or move \(path) away to begin anew")
        }
        guard rename(fresh, saved) == 0 else { throw misplaced(fresh) }
        StoreFile.syncFolder(of: path)
        try exchange(report.setAside)
        return report
    }

    /// Goes on with an exchange that a crash has interrupted.
    func finish() throws(StoreError) {
        if access(saved, F_OK) == 0 { try exchange(unusedName()) }
    }

    /// A complete saved file on its way.
    private var saved: String { path + ".salvaged" }

    private func exchange(_ aside: String) throws(StoreError) {
        for suffix in ["-wal", "-shm", ""] where access(path + suffix, F_OK) == 0 {
            rename(path + suffix, aside + suffix)
        }
        guard rename(saved, path) == 0 else { throw misplaced(saved) }
        StoreFile.syncFolder(of: path)
    }

    private func misplaced(_ file: String) -> StoreError {
        StoreError(
            description: "the saved store cannot take its place (\(path)): \(StoreLock.reason(errno)); "
                + "rename \(file) to it by hand")
    }

    private func unusedName() -> String {
        let first = path + ".damaged"
        var name = first
        var number = 1
        while access(name, F_OK) == 0 {
            number += 1
            name = "\(first)-\(number)"
        }
        return name
    }

    private func copy(to fresh: String, _ report: inout Report) throws(DatabaseError) {
        let target = try Database(fresh, .create)
        try StoreFile.configure(target)
        try Schema.migrate(target)
        try target.execute("BEGIN IMMEDIATE")
        let source = try Database(path, .readWrite)
        for table in Schema.tables { try copy(table, from: source, to: target, &report) }
        try removeOrphans(target, &report)
        try target.execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
        guard try target.text("PRAGMA journal_mode=DELETE") == "delete" else {
            return try target.execute("PRAGMA integrity_check(1)")
        }
    }

    private func copy(
        _ table: String, from source: Database, to target: Database, _ report: inout Report
    ) throws(DatabaseError) {
        let columns = try target.integer("SELECT count(*) FROM pragma_table_info('\(table)')") ?? 0
        // Of two rows with the same unique column one is a product of the damage.
        let insert = try target.prepare(
            "INSERT OR IGNORE INTO \(table) VALUES(\(Array(repeating: "?", count: Int(columns)).joined(separator: ",")))"
        )
        let walk: TableWalk
        do throws(DatabaseError) {
            walk = try TableWalk(table, of: source)
        } catch {
            // Where the first page cannot be read, nothing is found; a file of an older schema only lacks a table.
            if !error.isMisfit { report.cutOff(table) }
            return
        }
        var last: Int64 = 0
        while let start = walk.firstReadable(after: last) {
            report.lost[table, default: 0] += Int(start - last - 1)
            last = start
            var copied = 0
            let isComplete = try walk.forEachRow(from: start) { key, rows throws(DatabaseError) in
                rows.copyColumns(to: insert, from: 1)
                try insert.run()
                last = key
                copied += 1
            }
            report.recovered[table, default: 0] += copied
            guard !isComplete else { break }
            if copied == 0 { report.lost[table, default: 0] += 1 }
        }
        if let end = walk.lastKey {
            report.lost[table, default: 0] += Int(max(0, end - last))
        } else {
            report.cutOff(table)
        }
        if report.lost[table] == 0 { report.lost[table] = nil }
    }

    /// Deliveries without message or session, and messages without delivery, make no sense.
    private func removeOrphans(_ target: Database, _ report: inout Report) throws(DatabaseError) {
        let ofSessions = ["queue", "subscription", "receiving", "topic_id"].map {
            ($0, "session NOT IN (SELECT number FROM session)")
        }
        for (table, condition) in (sessionsComeBack ? [] : ofSessions) + [
            ("queue", "message NOT IN (SELECT id FROM message)"),
            ("message", "id NOT IN (SELECT message FROM queue)"),
        ] {
            try target.execute("DELETE FROM \(table) WHERE \(condition)")
            let orphans = Int(try target.integer("SELECT changes()") ?? 0)
            guard orphans > 0 else { continue }
            report.recovered[table, default: 0] -= orphans
            if table != "message" { report.lost[table, default: 0] += orphans }
        }
    }
}
