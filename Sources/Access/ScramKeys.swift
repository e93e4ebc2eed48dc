import CCrypto
import Foundation

/// What a server keeps of a password for SCRAM-SHA-256 (RFC 5802, 3; RFC 7677): enough to check a client and to prove itself, not
/// enough to log in with.
struct ScramKeys: Sendable, Equatable {
    static let octets = 32

    /// Hash of the client's key.
    let stored: [UInt8]
    let server: [UInt8]

    /// Takes time: to be called where nothing waits for the thread.
    init(_ password: [UInt8], salt: [UInt8], iterations: Int) {
        let salted = Self.salted(Self.prepared(password), salt: salt, iterations: iterations)
        stored = Self.digest(Self.code(salted, Array("Client Key".utf8)))
        server = Self.code(salted, Array("Server Key".utf8))
    }

    init(stored: [UInt8], server: [UInt8]) {
        self.stored = stored
        self.server = server
    }

    /// Whether `proof` shows the client's key for the exchange `message` records.
    func accept(_ proof: [UInt8], of message: [UInt8]) -> Bool {
        guard proof.count == Self.octets else { return false }
        let signature = Self.code(stored, message)
        let key = zip(proof, signature).map { $0 ^ $1 }
        return CRYPTO_memcmp(Self.digest(key), stored, Self.octets) == 0
    }

    /// The server's proof.
    func signature(of message: [UInt8]) -> [UInt8] { Self.code(server, message) }

    /// HMAC with SHA-256 (RFC 2104).
    static func code(_ key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: octets)
        let result = HMAC(EVP_sha256(), key, Int32(clamping: key.count), message, message.count, &code, nil)
        precondition(result != nil, "libcrypto has HMAC and memory for it")
        return code
    }

    private static func digest(_ octets: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Self.octets)
        let result = EVP_Digest(octets, octets.count, &digest, nil, EVP_sha256(), nil)
        precondition(result == 1, "libcrypto has SHA-256 and memory for it")
        return digest
    }

    private static func salted(_ password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        var key = [UInt8](repeating: 0, count: octets)
        let result = password.withUnsafeBytes { password in
            PKCS5_PBKDF2_HMAC(
                password.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(clamping: password.count), salt,
                Int32(salt.count), Int32(iterations), EVP_sha256(), Int32(key.count), &key)
        }
        precondition(result == 1, "libcrypto has PBKDF2 and memory for it")
        return key
    }

    /// The compatibility form of SASLprep (RFC 4013, 2.2), so that one password has one spelling. What is no UTF-8 stays as it is.
    private static func prepared(_ password: [UInt8]) -> [UInt8] {
        guard password.contains(where: { $0 >= 0x80 }), let text = String(validating: password, as: UTF8.self) else {
            return password
        }
        return Array(text.precomposedStringWithCompatibilityMapping.utf8)
    }
}
