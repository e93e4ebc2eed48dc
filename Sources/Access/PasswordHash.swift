import CCrypto
import Foundation

/// One line's hash in Mosquitto's password file.
///
///     $6$ salt $ hash                  SHA-512 of password and salt           (Mosquitto 1.6)
///     $7$ iterations $ salt $ hash     PBKDF2 with HMAC-SHA-512, RFC 8018     (Mosquitto 2.0)
///     $scram-sha-256$ iterations $ salt $ keys                                  (Apus: StoredKey and ServerKey, RFC 5802)
///
/// Salt and hash are in Base64; the hash has 64 octets. With the third a client can log in without sending its password, and
/// still by sending it.
package struct PasswordHash: Sendable, Equatable {
    enum Method: Sendable, Equatable {
        case sha512
        case pbkdf2(iterations: Int)
        case scram(iterations: Int)
    }

    /// Iterations of new SCRAM keys: no fewer, as RFC 7677 has it.
    package static let scramIterations = 4_096

    /// Iterations of new hashes, those of Mosquitto 2.1: about a millisecond, so that thousands of devices that come back at
    /// once get in. Passwords that people choose deserve more (`apus passwd --iterations`).
    package static let defaultIterations = 1_000
    /// More than this would let one login keep a processor for seconds.
    package static let iterationRange = 1...1_000_000

    private static let hashOctets = 64
    private static let saltOctets = 1...256
    /// Mosquitto 2.0 takes salts of this length only.
    private static let newSaltOctets = 12

    let method: Method
    let salt: [UInt8]
    let hash: [UInt8]

    /// Hashes a password with a fresh salt.
    /// - Parameter iterations: in `iterationRange`.
    package init(_ password: [UInt8], iterations: Int = defaultIterations) {
        precondition(Self.iterationRange.contains(iterations), "the caller checks what people ask for")
        salt = Self.newSalt()
        method = .pbkdf2(iterations: iterations)
        hash = Self.derive(password, salt: salt, iterations: iterations)
    }

    /// Keys for SCRAM-SHA-256, with a fresh salt.
    package init(scram password: [UInt8], iterations: Int = scramIterations) {
        precondition(Self.iterationRange.contains(iterations), "the caller checks what people ask for")
        salt = Self.newSalt()
        method = .scram(iterations: iterations)
        hash = Self.scramKeys(password, salt: salt, iterations: iterations)
    }

    private static func newSalt() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<newSaltOctets).map { _ in generator.next() }
    }

    /// Reads the text after the user's name.
    package init(_ text: some StringProtocol) throws(PasswordHashError) {
        guard text.utf8.first == UInt8(ascii: "$") else { throw .clearText }
        let fields = text.dropFirst().split(separator: "$", omittingEmptySubsequences: false).map { Substring($0) }
        let encoded: ArraySlice<Substring>  // salt and hash
        switch (fields.first, fields.count) {
        case ("6", 3):
            method = .sha512
            encoded = fields[1...]
        case ("7", 4):
            guard let iterations = Int(fields[1]), Self.iterationRange.contains(iterations) else { throw .iterations }
            method = .pbkdf2(iterations: iterations)
            encoded = fields[2...]
        case ("scram-sha-256", 4):
            guard let iterations = Int(fields[1]), Self.iterationRange.contains(iterations) else { throw .iterations }
            method = .scram(iterations: iterations)
            encoded = fields[2...]
        case ("6", _), ("7", _), ("scram-sha-256", _): throw .malformed
        default: throw .unknownMethod
        }
        guard let salt = encoded.first.flatMap(Self.decoded), let hash = encoded.last.flatMap(Self.decoded),
            Self.saltOctets.contains(salt.count), hash.count == Self.hashOctets
        else { throw .malformed }
        self.salt = salt
        self.hash = hash
    }

    /// As in the file.
    package var text: String {
        let method =
            switch method {
            case .sha512: "$6"
            case .pbkdf2(let iterations): "$7$\(iterations)"
            case .scram(let iterations): "$scram-sha-256$\(iterations)"
            }
        return "\(method)$\(Data(salt).base64EncodedString())$\(Data(hash).base64EncodedString())"
    }

    private static func decoded(_ base64: Substring) -> [UInt8]? { Data(base64Encoded: String(base64)).map(Array.init) }

    /// What a check costs, in iterations of PBKDF2.
    var iterations: Int {
        switch method {
        case .sha512: 0
        case .pbkdf2(let iterations), .scram(let iterations): iterations
        }
    }

    /// Takes time: to be called where nothing waits for the thread.
    package func matches(_ password: [UInt8]) -> Bool {
        let candidate =
            switch method {
            case .sha512: Self.digest(password + salt)
            case .pbkdf2(let iterations): Self.derive(password, salt: salt, iterations: iterations)
            case .scram(let iterations): Self.scramKeys(password, salt: salt, iterations: iterations)
            }
        return Self.areEqual(candidate, hash)
    }

    /// What SCRAM needs; nil for a hash of another method.
    var scramUser: (keys: ScramKeys, iterations: Int)? {
        guard case .scram(let iterations) = method else { return nil }
        let keys = ScramKeys(stored: Array(hash.prefix(ScramKeys.octets)), server: Array(hash.suffix(ScramKeys.octets)))
        return (keys, iterations)
    }

    private static func scramKeys(_ password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        let keys = ScramKeys(password, salt: salt, iterations: iterations)
        return keys.stored + keys.server
    }

    /// Spends the time of a check for nothing.
    static func waste(iterations: Int) {
        guard iterations > 0 else { return }
        _ = derive([], salt: [0], iterations: iterations)
    }

    private static func digest(_ octets: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: hashOctets)
        let length = EVP_Digest(octets, octets.count, &digest, nil, EVP_sha512(), nil)
        precondition(length == 1, "libcrypto has SHA-512 and memory for it")
        return digest
    }

    private static func derive(_ password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        var key = [UInt8](repeating: 0, count: hashOctets)
        let result = password.withUnsafeBytes { password in
            PKCS5_PBKDF2_HMAC(
                password.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(clamping: password.count), salt,
                Int32(salt.count), Int32(iterations), EVP_sha512(), Int32(key.count), &key)
        }
        precondition(result == 1, "libcrypto has PBKDF2 and memory for it")
        return key
    }

    private static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }
}
