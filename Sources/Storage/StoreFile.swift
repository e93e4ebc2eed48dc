import Glibc
import Logging
import Messaging

/// Opens a store's file: makes it, brings it up to date, checks it after an unclean stop, saves what can be saved.
struct StoreFile {
    let path: String
    let logger: Logger
    let counters: StoreCounters

    /// Opens the file for writing.
    /// - Throws: `StoreError`, one sentence with place and remedy.
    func open() throws(StoreError) -> Database {
        try Salvage(path: path).finish()
        // SQLite deletes the log when the last connection closes; one with content means that nobody closed.
        let wasUnclean = Self.size(of: path + "-wal") > 0
        let opening: Opening
        do {
            opening = try openChecked(check: wasUnclean)
        } catch {
            guard error.isDamage else { throw self.error(error) }
            return try salvageAndOpen().database
        }
        return try opening.database
    }

    /// Opens the file for writing and reads it. A damaged one is saved into a new file first, also when only reading shows it.
    func open<Content>(
        reading read: (Database) throws(DatabaseError) -> Content
    ) throws(StoreError) -> (database: Database, content: Content) {
        if let result = try openUndamaged(reading: read) { return result }
        let database = try salvageAndOpen().database
        do {
            return (database, try read(database))
        } catch {
            throw self.error(error)
        }
    }

    /// - Returns: nil when the file is damaged; it is closed again then.
    private func openUndamaged<Content>(
        reading read: (Database) throws(DatabaseError) -> Content
    ) throws(StoreError) -> (Database, Content)? {
        let database = try open()
        do {
            return (database, try read(database))
        } catch {
            guard error.isDamage else { throw self.error(error) }
            return nil
        }
    }

    private enum Opening {
        case ready(Database)
        /// A good file, but not for us.
        case refused(StoreError)

        var database: Database {
            get throws(StoreError) {
                switch self {
                case .ready(let database): return database
                case .refused(let error): throw error
                }
            }
        }
    }

    private func openChecked(check: Bool) throws(DatabaseError) -> Opening {
        let database = try Database(path, .create)
        if let refusal = try Self.refusal(of: database) { return .refused(refusal) }
        try Self.configure(database)
        try Schema.migrate(database)
        guard check else { return .ready(database) }
        logger.info("the store was not closed properly, checking it", metadata: [LogKey.path: "\(path)"])
        guard try database.text("PRAGMA quick_check(1)") == "ok" else { throw .damaged }
        return .ready(database)
    }

    /// Why a file is not for us, though it is a good one.
    static func refusal(of database: Database) throws(DatabaseError) -> StoreError? {
        let version = try Schema.version(of: database)
        let application = try database.integer("PRAGMA application_id") ?? 0
        let tables = try database.integer("SELECT count(*) FROM sqlite_schema") ?? 0
        if tables > 0, application != Schema.applicationID {
            return StoreError(
                description: "the file is an SQLite database, but not a store of Apus (\(database.path)): "
                    + "move it away, or set data_dir to another folder")
        }
        if version > Schema.steps.count {
            return StoreError(
                description: "the store was written by a newer Apus, with schema \(version) where this one knows "
                    + "\(Schema.steps.count) (\(database.path)): start that version or a later one, "
                    + "or set data_dir to another folder")
        }
        return nil
    }

    static func configure(_ database: Database) throws(DatabaseError) {
        try database.execute(
            """
            PRAGMA page_size=4096; PRAGMA auto_vacuum=NONE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
            PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=OFF
            """)
    }

    /// The damaged file is set aside, what can be read of it begins a new one.
    /// - Parameter isServing: those who use the store have its sessions in memory.
    func salvageAndOpen(
        isServing: Bool = false
    ) throws(StoreError) -> (database: Database, report: Salvage.Report) {
        let report = try Salvage(path: path, sessionsComeBack: isServing).run()
        counters.count(report)
        logger.error(
            "the store was damaged; what could be read was saved into a new file",
            metadata: [
                LogKey.path: "\(path)", LogKey.setAside: "\(report.setAside)", LogKey.recovered: "\(report.recovered)",
                LogKey.lost: "\(report.lost)", LogKey.cutOff: "\(report.cutOff)",
            ])
        let opening: Opening
        do {
            opening = try openChecked(check: false)
        } catch {
            throw self.error(error)
        }
        return (try opening.database, report)
    }

    func error(_ error: DatabaseError) -> StoreError {
        let remedy =
            error.isFull
            ? "make room on the disk" : "check the folder's rights and the disk, or set data_dir to another folder"
        return StoreError(description: "the store cannot be opened (\(path)): \(error.sentence); \(remedy)")
    }

    func makeFolder() throws(StoreError) {
        let folder = Self.folder(of: path)
        var made = ""
        for part in folder.split(separator: "/", omittingEmptySubsequences: false) {
            made += made.isEmpty && !folder.hasPrefix("/") ? String(part) : "/\(part)"
            guard !part.isEmpty, part != "." else {
                if made == "/" { made = "" }
                continue
            }
            if mkdir(made, 0o700) == 0 {
                Self.syncFolder(of: made)
                continue
            }
            guard errno == EEXIST else {
                throw StoreError(
                    description: "the store's folder cannot be made (\(made)): \(StoreLock.reason(errno)); "
                        + "make its parent writable, or set data_dir to another folder")
            }
        }
    }

    /// Makes what was named in the folder of `path` safe from a loss of power.
    static func syncFolder(of path: String) {
        let descriptor = Glibc.open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func size(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}
