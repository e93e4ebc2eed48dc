import CSQLite

/// One connection to an SQLite file, used by one thread at a time.
final class Database {
    let path: String
    fileprivate let handle: OpaquePointer
    /// Pages in the write-ahead log after the last commit of this connection.
    private let walPageCount: UnsafeMutablePointer<Int32>

    enum Mode {
        case create
        case readWrite
        case readOnly

        fileprivate var flags: Int32 {
            switch self {
            case .create: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            case .readWrite: SQLITE_OPEN_READWRITE
            case .readOnly: SQLITE_OPEN_READONLY
            }
        }
    }

    /// Once, before the first connection: two locks less for each allocation of SQLite.
    private static let configured: Void = { _ = csqlite_end_statistics() }()

    init(_ path: String, _ mode: Mode) throws(DatabaseError) {
        _ = Self.configured
        var handle: OpaquePointer?
        // No mutex of SQLite's own: one thread at a time is our rule.
        let result = sqlite3_open_v2(path, &handle, mode.flags | SQLITE_OPEN_NOMUTEX, nil)
        guard result == SQLITE_OK, let handle else {
            let error = DatabaseError(handle, result)
            sqlite3_close_v2(handle)
            throw error
        }
        self.path = path
        self.handle = handle
        walPageCount = .allocate(capacity: 1)
        walPageCount.initialize(to: 0)
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 5_000)
    }

    deinit {
        sqlite3_close_v2(handle)
        walPageCount.deallocate()
    }

    /// Runs statements that yield nothing of interest.
    func execute(_ sql: String) throws(DatabaseError) {
        let result = sqlite3_exec(handle, sql, nil, nil, nil)
        guard result == SQLITE_OK else { throw DatabaseError(handle, result) }
    }

    func prepare(_ sql: String) throws(DatabaseError) -> Statement {
        var statement: OpaquePointer?
        let result = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard result == SQLITE_OK, let statement else { throw DatabaseError(handle, result) }
        return Statement(statement, of: self)
    }

    /// First column of the first row; nil when there is none.
    func integer(_ sql: String) throws(DatabaseError) -> Int64? {
        let statement = try prepare(sql)
        return try statement.step() ? statement.integer(0) : nil
    }

    func text(_ sql: String) throws(DatabaseError) -> String? {
        let statement = try prepare(sql)
        return try statement.step() ? statement.text(0) : nil
    }

    /// Sets the largest size of the file; beyond it writing fails as on a full disk.
    func limit(octets: Int) throws(DatabaseError) {
        let pageSize = try integer("PRAGMA page_size") ?? 4_096
        try execute("PRAGMA max_page_count=\(max(1, Int64(octets) / pageSize))")
    }

    /// Gives back the pages this connection keeps in memory.
    func releaseMemory() { sqlite3_db_release_memory(handle) }

    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    fileprivate func lastError(_ result: Int32) -> DatabaseError { DatabaseError(handle, result) }
}

// MARK: - Write-ahead log

extension Database {
    /// Pages in the write-ahead log after the last commit, once `countWALPages` was called.
    var walPages: Int { Int(walPageCount.pointee) }

    /// What one commit added to the log that held `pagesBefore`: whole pages, each with its header (SQLite file format, 4.1).
    /// A log with fewer pages than before has begun anew.
    func octetsAppended(since pagesBefore: Int) -> UInt64 {
        let pages = walPages < pagesBefore ? walPages : walPages - pagesBefore
        return UInt64(pages) * 4_120
    }

    /// Counts the log's pages from now on; this also ends automatic checkpoints, which use the same hook.
    func countWALPages() {
        sqlite3_wal_hook(
            handle,
            { context, _, _, pages in
                context?.assumingMemoryBound(to: Int32.self).pointee = pages
                return SQLITE_OK
            }, walPageCount)
    }

    /// Moves what it can from the log to the database without waiting for anybody.
    /// - Returns: whether everything was moved, so that the next commit begins the log anew.
    @discardableResult
    func checkpoint() throws(DatabaseError) -> Bool {
        var inLog: Int32 = 0
        var moved: Int32 = 0
        let result = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, &inLog, &moved)
        guard result == SQLITE_OK || result == SQLITE_BUSY else { throw DatabaseError(handle, result) }
        return result == SQLITE_OK && inLog == moved
    }
}

// MARK: - Copies

extension Database {
    /// Copies everything as it is now to a new file, which ends up without a log of its own. Others may write meanwhile.
    func copy(to path: String) throws(DatabaseError) {
        let target = try Database(path, .create)
        guard let backup = sqlite3_backup_init(target.handle, "main", handle, "main") else {
            throw DatabaseError(target.handle, sqlite3_errcode(target.handle))
        }
        // In one step, so that a writer in another process does not make it begin anew.
        let result = sqlite3_backup_step(backup, -1)
        sqlite3_backup_finish(backup)
        guard result == SQLITE_DONE else { throw DatabaseError(target.handle, result) }
        try target.execute("PRAGMA journal_mode=DELETE")
    }

    /// Leaves the log in place when this connection is the last to close: whether the gateway closed it is still to be seen.
    func keepLog() {
        var on: Int32 = 1
        sqlite3_file_control(handle, "main", SQLITE_FCNTL_PERSIST_WAL, &on)
    }
}

/// A prepared statement. `step` until false, or `run`, then it can be used again.
final class Statement {
    private let handle: OpaquePointer
    /// The connection outlives its statements.
    private let database: Database
    /// SQLite copies what is bound.
    private static let copy = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    fileprivate init(_ handle: OpaquePointer, of database: Database) {
        self.handle = handle
        self.database = database
    }

    deinit { sqlite3_finalize(handle) }

    // MARK: Parameters, from 1

    func bind(_ index: Int32, _ value: Int64) { sqlite3_bind_int64(handle, index, value) }
    func bind(_ index: Int32, _ value: Int) { sqlite3_bind_int64(handle, index, Int64(value)) }
    func bind(_ index: Int32, _ value: Bool) { sqlite3_bind_int64(handle, index, value ? 1 : 0) }
    func bindNull(_ index: Int32) { sqlite3_bind_null(handle, index) }

    func bind(_ index: Int32, _ value: Int64?) {
        if let value { bind(index, value) } else { bindNull(index) }
    }

    func bind(_ index: Int32, _ text: String?) {
        guard var text else { return bindNull(index) }
        _ = text.withUTF8 { octets in
            octets.withMemoryRebound(to: CChar.self) { characters in
                // An empty buffer may have no address, which SQLite would take for NULL.
                guard let start = characters.baseAddress else {
                    return sqlite3_bind_text(handle, index, "", 0, Self.copy)
                }
                return sqlite3_bind_text(handle, index, start, Int32(characters.count), Self.copy)
            }
        }
    }

    func bind(_ index: Int32, _ octets: [UInt8]?) {
        guard let octets else { return bindNull(index) }
        guard !octets.isEmpty else {
            sqlite3_bind_zeroblob(handle, index, 0)
            return
        }
        octets.withUnsafeBytes { bytes in
            _ = sqlite3_bind_blob(handle, index, bytes.baseAddress, Int32(bytes.count), Self.copy)
        }
    }

    /// Runs `body` with a text and octets bound, neither empty, that SQLite reads in place, without copies of its own. They are
    /// NULL afterwards.
    func withBorrowed(
        text: String, _ textIndex: Int32, octets: UnsafeRawBufferPointer, _ octetsIndex: Int32,
        run body: () throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        var text = text
        let outcome: Result<Void, DatabaseError> = text.withUTF8 { characters in
            characters.withMemoryRebound(to: CChar.self) { characters in
                _ = sqlite3_bind_text(handle, textIndex, characters.baseAddress, Int32(characters.count), nil)
            }
            sqlite3_bind_blob(handle, octetsIndex, octets.baseAddress, Int32(octets.count), nil)
            do throws(DatabaseError) {
                return .success(try body())
            } catch {
                return .failure(error)
            }
        }
        bindNull(textIndex)
        bindNull(octetsIndex)
        try outcome.get()
    }

    // MARK: Running

    /// - Returns: whether there is a row; after false the statement is ready for its next use.
    func step() throws(DatabaseError) -> Bool {
        let result = sqlite3_step(handle)
        if result == SQLITE_ROW { return true }
        let error = result == SQLITE_DONE ? nil : database.lastError(result)
        sqlite3_reset(handle)
        if let error { throw error }
        return false
    }

    /// For a statement without rows.
    func run() throws(DatabaseError) { while try step() {} }

    /// Ends a statement whose remaining rows are not wanted.
    func reset() { sqlite3_reset(handle) }

    // MARK: Columns, from 0

    private var columnCount: Int32 { sqlite3_column_count(handle) }
    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
    func isBlob(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_BLOB }
    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    func bool(_ column: Int32) -> Bool { integer(column) != 0 }
    func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    func octets(_ column: Int32) -> [UInt8]? {
        guard !isNull(column) else { return nil }
        guard let start = sqlite3_column_blob(handle, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    /// Hands over a text or blob without a copy; empty for NULL.
    func withOctets<Result>(_ column: Int32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let start = sqlite3_column_blob(handle, column)
        return body(
            UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(handle, column))))
    }

    /// Nil for NULL; text that is not UTF-8 is repaired.
    func text(_ column: Int32) -> String? {
        guard !isNull(column), let start = sqlite3_column_text(handle, column) else { return nil }
        return String(
            decoding: UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))), as: UTF8.self
        )
    }

    /// Hands column values from `first` on to another statement's parameters, unchanged.
    func copyColumns(to other: Statement, from first: Int32) {
        for column in first..<columnCount {
            sqlite3_bind_value(other.handle, column - first + 1, sqlite3_column_value(handle, column))
        }
    }
}
