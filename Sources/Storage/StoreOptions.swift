package import Messaging

/// How a store is to work.
package struct StoreOptions: Sendable {
    /// The database file; `-wal`, `-shm` and `.lock` files lie beside it. Its folder is made when it is missing.
    package var path: String
    /// What a commit survives at least: `process` or `disk`.
    package var durability = Durability.disk
    /// How long a batch waits for company after its first change.
    package var linger = Duration.milliseconds(1)
    /// Changes at which a batch waits no longer.
    package var batchLimit = 10_000
    /// Longest that ended deliveries wait to be deleted when nothing else is to be written. A crash before that only sends
    /// them again.
    package var idleLinger = Duration.milliseconds(100)
    /// How often a failed batch is tried again.
    package var retryInterval = Duration.milliseconds(500)
    /// Deliveries of one session that `load` tells in full, beside those on the way. The others are read when their turn comes.
    package var fullDeliveries = Int.max
    /// Largest size of the database file in octets; nil for as much as the disk has.
    package var maximumOctets: Int?

    package init(path: String) { self.path = path }
}
