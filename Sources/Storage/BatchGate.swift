import Glibc

/// Keeps a batch open while groups are being appended, and lets the writer close it when none is.
///
/// A group goes in when no writer waits, so a steady stream of groups cannot keep a batch open for ever.
/// Proof of `@unchecked Sendable`: the only member is the address of a POSIX lock, which is made for use by many threads
/// and lives as long as this object.
final class BatchGate: @unchecked Sendable {
    private let lock: UnsafeMutablePointer<pthread_rwlock_t>

    init() {
        lock = .allocate(capacity: 1)
        var attributes = pthread_rwlockattr_t()
        pthread_rwlockattr_init(&attributes)
        pthread_rwlockattr_setkind_np(&attributes, Int32(PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP))
        let result = pthread_rwlock_init(lock, &attributes)
        precondition(result == 0, "the system has no memory for a lock")
        pthread_rwlockattr_destroy(&attributes)
    }

    deinit {
        pthread_rwlock_destroy(lock)
        lock.deallocate()
    }

    func beginGroup() { pthread_rwlock_rdlock(lock) }
    func endGroup() { pthread_rwlock_unlock(lock) }

    /// Runs `body` while no group is open.
    func close<Result>(_ body: () -> Result) -> Result {
        pthread_rwlock_wrlock(lock)
        defer { pthread_rwlock_unlock(lock) }
        return body()
    }
}
