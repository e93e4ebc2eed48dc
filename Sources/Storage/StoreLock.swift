import Glibc
import Messaging

/// Keeps a second process away from a store: an advisory lock on a file of its own, because closing any descriptor of the
/// database itself would drop the locks SQLite holds on it. The system lets go of it when the process ends, however it does.
final class StoreLock: Sendable {
    let descriptor: Int32

    init(path: String) throws(StoreError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(
                description: "the store's lock file cannot be opened (\(path)): \(Self.reason(errno)); "
                    + "make the folder writable, or set data_dir to another one")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw StoreError(
                description: "the store is in use by another process (\(path)): "
                    + "stop that one, or set data_dir to another folder")
        }
    }

    /// Given back, not only closed: until a process that another thread starts becomes another program (exec), it has a copy of the descriptor.
    deinit {
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    static func reason(_ errorNumber: Int32) -> String { String(cString: strerror(errorNumber)) }
}
