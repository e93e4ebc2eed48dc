/// The tables, and how older files become current.
///
/// All tables have integer keys that only grow: new rows fill new pages instead of touching one page each, and a damaged file
/// can be walked past its gaps. Times are microseconds since 1970, durations microseconds.
enum Schema {
    /// "APUS": tells our files from other SQLite files.
    static let applicationID: Int64 = 0x4150_5553

    /// Step n brings a file from version n to n + 1. Steps are never changed once released, only added.
    static let steps: [String] = [
        """
        CREATE TABLE meta(key TEXT PRIMARY KEY, value);
        CREATE TABLE session(
            number INTEGER PRIMARY KEY, client_id TEXT NOT NULL, expiry INTEGER, expires_at INTEGER,
            principal_kind INTEGER NOT NULL, principal_name TEXT, principal_client TEXT, queues_qos0 INTEGER NOT NULL,
            will_topic TEXT, will_payload BLOB, will_qos INTEGER, will_retain INTEGER, will_delay INTEGER,
            will_expiry INTEGER, will_properties BLOB, will_due_at INTEGER);
        CREATE TABLE subscription(
            id INTEGER PRIMARY KEY, session INTEGER NOT NULL, filter TEXT NOT NULL, qos INTEGER NOT NULL,
            no_local INTEGER NOT NULL, retain_as_published INTEGER NOT NULL, retain_handling INTEGER NOT NULL,
            identifier INTEGER NOT NULL, UNIQUE(session, filter));
        CREATE TABLE message(
            id INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL, qos INTEGER NOT NULL,
            retain INTEGER NOT NULL, expires_at INTEGER, publisher TEXT, properties BLOB, receivers INTEGER NOT NULL);
        CREATE TABLE queue(
            id INTEGER PRIMARY KEY, session INTEGER NOT NULL, sequence INTEGER NOT NULL, message INTEGER NOT NULL,
            qos INTEGER NOT NULL, retain INTEGER NOT NULL, subscription_ids, packet_id INTEGER NOT NULL,
            released INTEGER NOT NULL);
        CREATE TABLE receiving(
            id INTEGER PRIMARY KEY, session INTEGER NOT NULL, packet_id INTEGER NOT NULL, UNIQUE(session, packet_id));
        CREATE TABLE topic_id(
            id INTEGER PRIMARY KEY, session INTEGER NOT NULL, topic_id INTEGER NOT NULL, topic TEXT NOT NULL,
            known INTEGER NOT NULL, UNIQUE(session, topic_id));
        CREATE TABLE retained(
            id INTEGER PRIMARY KEY, topic TEXT NOT NULL UNIQUE, payload BLOB NOT NULL, qos INTEGER NOT NULL,
            expires_at INTEGER, publisher TEXT, properties BLOB);
        """,
        // End of the time a delivery may wait, where that comes before its message's expiry.
        "ALTER TABLE queue ADD COLUMN expires_at INTEGER",
        """
        ALTER TABLE session ADD COLUMN silent_at INTEGER;
        CREATE TABLE delayed(
            id INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL, qos INTEGER NOT NULL,
            retain INTEGER NOT NULL, expires_at INTEGER, publisher TEXT, properties BLOB, due_at INTEGER NOT NULL,
            principal_kind INTEGER NOT NULL, principal_name TEXT, principal_client TEXT);
        CREATE TABLE item(
            id INTEGER PRIMARY KEY, area TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, UNIQUE(area, key));
        """,
    ]

    /// Tables and their columns in order, for copying row by row.
    static let tables = [
        "meta", "session", "subscription", "message", "queue", "receiving", "topic_id", "retained", "delayed", "item",
    ]

    static func version(of database: Database) throws(DatabaseError) -> Int {
        Int(try database.integer("PRAGMA user_version") ?? 0)
    }

    /// Applies the steps a file lacks, all in one transaction.
    static func migrate(_ database: Database, steps: [String] = steps) throws(DatabaseError) {
        let version = try version(of: database)
        guard version < steps.count else { return }
        try database.execute("BEGIN IMMEDIATE")
        do throws(DatabaseError) {
            for step in steps[max(0, version)...] { try database.execute(step) }
            try database.execute("PRAGMA application_id=\(applicationID); PRAGMA user_version=\(steps.count); COMMIT")
        } catch {
            if database.isInTransaction { try database.execute("ROLLBACK") }
            throw error
        }
    }
}
