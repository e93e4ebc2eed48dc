/// Walks a table by its integer keys, past pages that cannot be read.
///
///     keys     1 2 3 4 ✗ (5 … 40 lie on a damaged page) 41 42 43
///     tries            5, 6, 8, 12, 20, 36 fail; 68 works; halving between 36 and 68 finds 41
struct TableWalk {
    private let probe, rows: Statement
    /// The greatest key; nil when the end of the table cannot be read.
    let lastKey: Int64?
    /// Keys beyond it are not looked for: no file has as many rows.
    private let end: Int64

    /// - Throws: when the file says nothing of the table.
    init(_ table: String, of database: Database) throws(DatabaseError) {
        probe = try database.prepare("SELECT * FROM \(table) NOT INDEXED WHERE rowid >= ? ORDER BY rowid LIMIT 1")
        rows = try database.prepare("SELECT rowid, * FROM \(table) NOT INDEXED WHERE rowid >= ? ORDER BY rowid")
        let last = try database.prepare("SELECT max(rowid) FROM \(table) NOT INDEXED")
        lastKey = (try? last.step()) == true ? last.integer(0) : nil
        end = min(lastKey ?? .max, 1 << 62)
    }

    /// The least key above `key` from which on a row can be read; nil when there is none.
    func firstReadable(after key: Int64) -> Int64? {
        guard key < end else { return nil }
        var failing = key
        var step: Int64 = 1
        var reading = key + 1
        while !canRead(from: reading) {
            guard reading < end else { return nil }
            failing = reading
            reading = min(end, reading + step)
            step *= 2
        }
        while reading - failing > 1 {
            let middle = failing + (reading - failing) / 2
            if canRead(from: middle) { reading = middle } else { failing = middle }
        }
        return reading
    }

    private func canRead(from key: Int64) -> Bool {
        probe.bind(1, key)
        defer { probe.reset() }
        return (try? probe.step()) ?? false
    }

    /// Calls `body` with each row's key and the row, whose columns begin at 1.
    /// - Returns: false when a row could not be read.
    func forEachRow(
        from key: Int64, _ body: (Int64, Statement) throws(DatabaseError) -> Void
    ) throws(DatabaseError) -> Bool {
        rows.bind(1, key)
        defer { rows.reset() }
        while true {
            do throws(DatabaseError) {
                guard try rows.step() else { return true }
            } catch {
                return false
            }
            try body(rows.integer(0), rows)
        }
    }
}
