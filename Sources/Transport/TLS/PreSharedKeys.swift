import NIOSSL

/// Keys that clients know, too, by the identity each goes by (RFC 4279): a file of lines `identity:key`, the key in hex, as
/// Mosquitto has them. Blank lines and lines that begin with `#` say nothing.
struct PreSharedKeys: Sendable {
    /// Octets of an identity and of a key that the TLS library takes.
    private static let longestIdentity = 128, longestKey = 256

    private var keys: [String: NIOSSLSecureBytes] = [:]
    /// Given to identities that do not exist, so that their handshakes fail like those with a wrong key (RFC 4279, 2).
    private let nobody = Self.secret((0..<32).map { _ in UInt8.random(in: 0...255) })

    init(path: String) throws(TLSFileError) {
        try self.init(text: PEMFile.read(path, .preSharedKeys), path: path)
    }

    /// - Parameter path: names the text in messages.
    /// - Throws: the first line that is not right: a file is taken whole or not at all.
    init(text: String, path: String) throws(TLSFileError) {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() where !line.allSatisfy(\.isWhitespace) && line.first != "#" {
            func problem(_ problem: String, _ remedy: String) -> TLSFileError {
                TLSFileError(kind: .preSharedKeys, place: "\(path):\(index + 1)", problem: problem, remedy: remedy)
            }
            guard let colon = line.lastIndex(of: ":") else {
                throw problem("the line has no colon between identity and key", "write identity:key, the key in hex")
            }
            let identity = String(line[..<colon])
            guard (1...Self.longestIdentity).contains(identity.utf8.count), !identity.utf8.contains(0) else {
                throw problem("the identity is empty or too long", "use 1 to \(Self.longestIdentity) octets")
            }
            guard let key = Self.octets(hex: line[line.index(after: colon)...]),
                (1...Self.longestKey).contains(key.count)
            else {
                throw problem(
                    "the key is not hex of 1 to \(Self.longestKey) octets", "make one with openssl rand -hex 32")
            }
            guard keys.updateValue(Self.secret(key), forKey: identity) == nil else {
                throw problem("the identity has an entry already", "remove one of the two")
            }
        }
        guard !keys.isEmpty else {
            throw TLSFileError(
                kind: .preSharedKeys, place: path, problem: "the file holds no key",
                remedy: "write lines identity:key, the key in hex")
        }
    }

    /// The key of `identity`; for one that does not exist a key nobody knows.
    func key(of identity: String) -> NIOSSLSecureBytes { keys[identity] ?? nobody }

    private static func octets(hex: Substring) -> [UInt8]? {
        let digits = hex.last?.isWhitespace == true ? hex.dropLast() : hex
        guard digits.utf8.count.isMultiple(of: 2) else { return nil }
        var octets: [UInt8] = []
        var rest = digits.utf8
        while let high = rest.popFirst(), let low = rest.popFirst() {
            guard let high = Character(UnicodeScalar(high)).hexDigitValue,
                let low = Character(UnicodeScalar(low)).hexDigitValue
            else { return nil }
            octets.append(UInt8(high << 4 | low))
        }
        return octets
    }

    private static func secret(_ octets: [UInt8]) -> NIOSSLSecureBytes {
        var secret = NIOSSLSecureBytes()
        secret.append(octets)
        return secret
    }
}
