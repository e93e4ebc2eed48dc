/// The files of a listener that speaks TLS or DTLS.
package protocol TLSFiles: Sendable {
    /// Reads the files again, for what begins from here on.
    /// - Throws: the first file that is not right; then nothing has changed.
    func reload() throws(TLSFileError)

    /// Private keys and files of pre-shared keys that others than their owner may read.
    var exposedFiles: [String] { get }
}
