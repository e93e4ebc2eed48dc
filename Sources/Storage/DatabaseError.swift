import CSQLite

/// What SQLite answered when something did not work.
struct DatabaseError: Error, Equatable {
    /// Extended result code.
    let code: Int32
    let message: String

    init(_ handle: OpaquePointer?, _ result: Int32) {
        let extended = handle.map { sqlite3_extended_errcode($0) } ?? result
        code = extended & 0xFF == result & 0xFF ? extended : result
        message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(result))
    }

    /// What a check found.
    static let damaged = DatabaseError(nil, SQLITE_CORRUPT)

    /// There is no connection at the moment.
    static let notOpen = DatabaseError(nil, SQLITE_CANTOPEN)

    private var primary: Int32 { code & 0xFF }

    /// The file's content contradicts itself, or it is no database.
    var isDamage: Bool { primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB }
    /// The statement does not fit the schema: a table of a newer one, for example.
    var isMisfit: Bool { primary == SQLITE_ERROR }
    var isFull: Bool { primary == SQLITE_FULL }

    /// One sentence for an operator, without place and remedy.
    var sentence: String {
        switch primary {
        case SQLITE_FULL: "there is no room left"
        case SQLITE_READONLY, SQLITE_PERM: "it may not be written"
        case SQLITE_CANTOPEN: "it cannot be opened"
        case SQLITE_IOERR: "the disk reports an error"
        case SQLITE_CORRUPT, SQLITE_NOTADB: "the file is damaged"
        case SQLITE_BUSY, SQLITE_LOCKED: "another process is using it"
        default: message
        }
    }
}
