import Foundation
import NIOCore
import NIOSSL

/// The files of a listener, read and checked as a whole: what new handshakes use.
struct TLSMaterial: Sendable {
    /// How long the other side's close_notify is waited for, when the connection ends.
    static let closeTimeout = TimeAmount.seconds(1)
    /// Those with an ephemeral key first; the TLS library has no others for pre-shared keys.
    private static let preSharedKeyCiphers = [
        "ECDHE-PSK-CHACHA20-POLY1305", "ECDHE-PSK-AES256-CBC-SHA", "ECDHE-PSK-AES128-CBC-SHA", "PSK-AES256-CBC-SHA",
        "PSK-AES128-CBC-SHA",
    ]

    let context: NIOSSLContext
    let preSharedKeys: PreSharedKeys?
    /// Secret files that others than their owner may read.
    let exposedFiles: [String]

    /// - Throws: the first file that is not right.
    init(_ settings: TLSSettings) throws(TLSFileError) {
        preSharedKeys = try settings.preSharedKeyFile.map { path throws(TLSFileError) in try PreSharedKeys(path: path) }
        var configuration = TLSConfiguration.makePreSharedKeyConfiguration()
        configuration.minimumTLSVersion = settings.minimumVersion == .tls13 ? .tlsv13 : .tlsv12
        configuration.shutdownTimeout = Self.closeTimeout
        if preSharedKeys != nil {
            // Keys are asked for up to 1.2 only. Beside certificates they would rarely be: the client's order of ciphers counts.
            configuration.maximumTLSVersion = .tlsv12
            configuration.cipherSuites = Self.preSharedKeyCiphers.joined(separator: ":")
        } else {
            try Self.addCertificates(settings, to: &configuration)
        }
        context = try Self.context(configuration, certificate: settings.certificateFile, key: settings.keyFile)
        exposedFiles = [settings.keyFile, settings.preSharedKeyFile].compactMap { $0 }.filter(PEMFile.isExposed)
    }

    private static func addCertificates(
        _ settings: TLSSettings, to configuration: inout TLSConfiguration
    ) throws(TLSFileError) {
        if let certificateFile = settings.certificateFile, let keyFile = settings.keyFile {
            let chain = try PEMFile.certificates(certificateFile, .certificate)
            try checkTime(of: chain[0], certificateFile)
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(try PEMFile.privateKey(keyFile))
        }
        guard settings.clientCertificate != .none else { return }
        // Without a file nobody is trusted; those this machine trusts are never meant.
        configuration.trustRoots = .certificates(
            try settings.authoritiesFile.map { path throws(TLSFileError) in try authorities(path) } ?? [])
        configuration.sendCANameList = true
        configuration.certificateVerification =
            settings.clientCertificate == .required ? .noHostnameVerification : .optionalVerification
    }

    /// Each file has been read by itself; what is left to fail is that they belong together.
    static func context(
        _ configuration: TLSConfiguration, certificate: String?, key: String?
    ) throws(TLSFileError) -> NIOSSLContext {
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw TLSFileError(
                kind: .key, place: key ?? "",
                problem: "the key does not belong to the first certificate in \(certificate ?? "")",
                remedy: "name the key the certificate was made for, and put that certificate first")
        }
    }

    static func checkTime(of certificate: NIOSSLCertificate, _ path: String) throws(TLSFileError) {
        let now = time(nil)
        if certificate.notValidAfter < now {
            throw TLSFileError(
                kind: .certificate, place: path,
                problem: "the certificate expired on \(day(certificate.notValidAfter))",
                remedy: "renew it")
        }
        if certificate.notValidBefore > now {
            throw TLSFileError(
                kind: .certificate, place: path,
                problem: "the certificate is not valid before \(day(certificate.notValidBefore))",
                remedy: "check this machine's clock, or use another certificate")
        }
    }

    private static func authorities(_ path: String) throws(TLSFileError) -> [NIOSSLCertificate] {
        let authorities = try PEMFile.certificates(path, .authorities)
        guard authorities.contains(where: { $0.notValidAfter >= time(nil) }) else {
            throw TLSFileError(
                kind: .authorities, place: path, problem: "every certificate in it has expired", remedy: "renew them")
        }
        return authorities
    }

    private static func day(_ time: time_t) -> String {
        Date(timeIntervalSince1970: TimeInterval(time)).formatted(.iso8601.year().month().day())
    }
}
