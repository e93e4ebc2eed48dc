import Synchronization

/// DTLS for the listeners of one section of the settings: certificate, key, CAs and pre-shared keys as they were last read.
package final class DTLSServer: TLSFiles {
    private let settings: TLSSettings
    private let current: Mutex<DTLSContext>

    /// Reads the files.
    /// - Throws: the first file that is not right.
    package init(_ settings: TLSSettings) throws(TLSFileError) {
        self.settings = settings
        current = Mutex(try DTLSContext(settings))
    }

    /// Reads the files again: from here on new sessions use them. Those that are open go on.
    /// - Throws: the first file that is not right; then nothing has changed.
    package func reload() throws(TLSFileError) {
        let new = try DTLSContext(settings)
        current.withLock { $0 = new }
    }

    /// Private keys and files of pre-shared keys that others than their owner may read.
    package var exposedFiles: [String] { current.withLock { $0.exposedFiles } }

    var context: DTLSContext { current.withLock { $0 } }
}
