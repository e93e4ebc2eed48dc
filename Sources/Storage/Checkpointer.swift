import Dispatch
import Synchronization

/// Empties the write-ahead log on a connection of its own, so that no batch waits for it.
final class Checkpointer: Sendable {
    /// Pages in the log (of 4 KB) from which on it is emptied in the background, and by the writer itself.
    static let pages = 4_000
    static let mostPages = 16_000

    private let database: Mutex<Database?>
    private let isRunning = Atomic<Bool>(false)
    private let queue = DispatchQueue(label: "apus.store.checkpoint")

    init(_ database: sending Database) { self.database = Mutex(database) }

    func close() { database.withLock { $0 = nil } }

    /// Lets go of the file while `exchange` puts another in its place.
    func whileClosed(_ path: String, exchange: () -> Void) {
        database.withLock { database in
            database = nil
            exchange()
            database = try? Database(path, .readWrite)
        }
    }

    /// Begins unless one is running.
    func request() {
        guard !isRunning.exchange(true, ordering: .acquiring) else { return }
        queue.async { [self] in
            // What cannot be moved now stays in the log and is moved the next time.
            database.withLock { _ = try? $0?.checkpoint() }
            isRunning.store(false, ordering: .releasing)
        }
    }
}
