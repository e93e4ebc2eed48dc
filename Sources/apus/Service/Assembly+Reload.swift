import Access
import BrokerCore
import Logging
import Transport

/// What SIGHUP brings up to date. Files that are not right change nothing, and keep nothing else from being read.
extension Assembly {
    func reload() {
        let logger = Logger(label: "apus")
        reloadAccess(logger)
        for (listener, files) in tls.sorted(by: { $0.key < $1.key }) { reload(files, of: listener, logger) }
        warnOfExposedKeys()
    }

    /// Reads the access files again and looks at everybody by the new rules.
    private func reloadAccess(_ logger: Logger) {
        do {
            try access.reload()
        } catch {
            return logger.warning("access rules not reloaded, the old ones stay", metadata: ["error": "\(error)"])
        }
        broker.recheckAccess()
        logger.info("access rules reloaded")
    }

    /// Connections that are open go on with what they began with.
    private func reload(_ files: any TLSFiles, of listener: String, _ logger: Logger) {
        do {
            try files.reload()
        } catch {
            return logger.warning(
                "certificates not reloaded, the old ones stay",
                metadata: ["listener": "\(listener)", "error": "\(error)"])
        }
        logger.info("certificates reloaded", metadata: ["listener": "\(listener)"])
    }

    /// A private key that others than its owner may read is theirs, too.
    func warnOfExposedKeys() {
        for path in Set(tls.values.flatMap(\.exposedFiles)).sorted() {
            Logger(label: "apus").warning(
                "others may read a secret file: chmod 600 it, as the gateway's user", metadata: ["file": "\(path)"])
        }
    }
}
