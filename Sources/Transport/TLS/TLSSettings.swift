/// What a listener needs to speak TLS. All files are PEM, except the pre-shared keys.
package struct TLSSettings: Sendable, Equatable {
    package enum Version: Sendable, Equatable { case tls12, tls13 }

    /// Whether clients are asked for a certificate.
    package enum ClientCertificate: Sendable, Equatable {
        case none
        /// One that is shown is verified; none is fine.
        case optional
        case required
    }

    /// The server's certificate, followed by those between it and its CA; nil with pre-shared keys.
    package var certificateFile: String?
    /// Its private key, without passphrase.
    package var keyFile: String?
    /// Oldest version spoken. With pre-shared keys 1.2 is the only one.
    package var minimumVersion = Version.tls12
    package var clientCertificate = ClientCertificate.none
    /// CAs whose client certificates are accepted; nil only when clients are not asked.
    package var authoritiesFile: String?
    /// Lines `identity:key`, the key in hex (`PreSharedKeys`): used in place of certificates. Nil for certificates.
    package var preSharedKeyFile: String?

    package init() {}
}

/// What is wrong with a file that TLS needs, told to the person who can put it right. Never quotes from the file.
package struct TLSFileError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable { case certificate, key, authorities, preSharedKeys }

    package let kind: Kind
    /// The file, with the line where that is known: `/etc/apus/psk:3`.
    package let place: String
    package let problem: String
    package let remedy: String

    package var description: String { "\(place): \(problem): \(remedy)" }
}
