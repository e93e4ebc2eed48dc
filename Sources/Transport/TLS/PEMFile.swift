import Foundation
import NIOSSL

/// Reading of the files that TLS needs, each with a sentence for the operator when it is not right.
enum PEMFile {
    /// Larger files are a mistake.
    private static let maximumOctets = 16 * 1_048_576

    static func read(_ path: String, _ kind: TLSFileError.Kind) throws(TLSFileError) -> String {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch {
            let problem =
                FileManager.default.fileExists(atPath: path) ? "the file cannot be read" : "the file does not exist"
            throw TLSFileError(kind: kind, place: path, problem: problem, remedy: "check the path and who may read it")
        }
        guard data.count <= maximumOctets, let text = String(validating: data, as: UTF8.self) else {
            throw TLSFileError(
                kind: kind, place: path, problem: "the file is no text of at most 16 MB",
                remedy: "check that it is the right file")
        }
        return text
    }

    /// The certificates of a file in their order, at least one.
    static func certificates(_ path: String, _ kind: TLSFileError.Kind) throws(TLSFileError) -> [NIOSSLCertificate] {
        let text = try read(path, kind)
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(Array(text.utf8)), !certificates.isEmpty else {
            throw TLSFileError(
                kind: kind, place: path, problem: "the file holds no certificate in PEM, or a damaged one",
                remedy: "check that it is the right file; openssl x509 -in converts from other formats")
        }
        return certificates
    }

    static func privateKey(_ path: String) throws(TLSFileError) -> NIOSSLPrivateKey {
        let text = try read(path, .key)
        guard !text.contains("ENCRYPTED") else {
            throw TLSFileError(
                kind: .key, place: path,
                problem: "the key is protected by a passphrase, which nobody is there to enter",
                remedy: "store it without one, openssl pkey -in … -out …, readable by the gateway's user alone")
        }
        guard let key = try? NIOSSLPrivateKey(bytes: Array(text.utf8), format: .pem) else {
            throw TLSFileError(
                kind: .key, place: path, problem: "the file holds no private key in PEM, or a damaged one",
                remedy: "check that it is the right file; openssl pkey -in converts from other formats")
        }
        return key
    }

    /// Whether others than the file's owner may read it.
    static func isExposed(_ path: String) -> Bool {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let mode = (attributes?[.posixPermissions] as? NSNumber)?.intValue else { return false }
        return mode & 0o044 != 0
    }
}
