package import Messaging
import Synchronization

/// Lets in who knows a password of the file, and who proves nothing where the settings allow that.
///
/// Passwords are checked on threads of their own. Every check takes the time of the file's costliest hash, whether the user
/// exists or not, so that the time of an answer tells nothing about who does.
package final class PasswordAuthenticator: Authenticator {
    private struct Entry {
        let hash: PasswordHash
        /// Goes into `Principal.proof`; a user keeps it as long as the hash is the same.
        let proof: UInt64
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var costliest = 0
        var lastProof: UInt64 = 0
        /// Most iterations of a user's SCRAM keys; nil when no user has any.
        var scramIterations: Int?
    }

    private let state = Mutex(State())
    private let anonymous: AnonymousAccess
    private let checks: CheckQueue
    /// Makes up the salts of users that do not exist: each has one of its own, and keeps it.
    private let disguise = nonce()

    package init(_ file: PasswordFile, anonymous: AnonymousAccess, checks: CheckQueue = CheckQueue()) {
        self.anonymous = anonymous
        self.checks = checks
        replace(file)
    }

    /// From here on the users of `file` may enter; to be followed by `recheckAccess` of the core.
    package func replace(_ file: PasswordFile) {
        state.withLock { state in
            var entries: [String: Entry] = [:]
            for (name, hash) in file.users {
                if let old = state.entries[name], old.hash == hash {
                    entries[name] = old
                } else {
                    state.lastProof += 1
                    entries[name] = Entry(hash: hash, proof: state.lastProof)
                }
            }
            state.entries = entries
            state.costliest = file.costliest
            state.scramIterations = file.users.values.compactMap { $0.scramUser?.iterations }.max()
        }
    }

    package func authenticate(
        _ credentials: Credentials, completion: @escaping @Sendable (Result<Principal, ConnectRefusal>) -> Void
    ) {
        guard let name = credentials.username else {
            guard anonymous.allows(credentials.peer) else { return completion(.failure(.notAuthorized)) }
            return completion(.success(Principal(kind: .anonymous, clientID: credentials.clientID)))
        }
        let isTaken = checks.submit { [self] in
            completion(check(name, credentials.password, clientID: credentials.clientID))
        }
        if !isTaken { completion(.failure(.unavailable)) }
    }

    private func check(_ name: String, _ password: Secret?, clientID: ClientID?) -> Result<Principal, ConnectRefusal> {
        let (entry, costliest) = state.withLock { ($0.entries[name], $0.costliest) }
        let isRight = entry?.hash.matches(password?.octets ?? []) ?? false
        PasswordHash.waste(iterations: costliest - (entry?.hash.iterations ?? 0))
        guard let entry, isRight, password != nil else { return .failure(.badCredentials) }
        let principal = Principal(kind: .user(name), clientID: clientID, proof: entry.proof)
        // The file may have been replaced meanwhile.
        return stillHolds(principal) ? .success(principal) : .failure(.badCredentials)
    }

    // MARK: SCRAM

    package func begin(_ method: String, _ credentials: Credentials) -> (any AuthenticationExchange)? {
        guard method == ScramExchange.method, state.withLock({ $0.scramIterations }) != nil else { return nil }
        return ScramExchange(clientID: credentials.clientID, nonce: Self.nonce()) { [self] name in scramUser(name) }
    }

    private func scramUser(_ name: String) -> ScramExchange.User {
        let (entry, scramIterations) = state.withLock { ($0.entries[name], $0.scramIterations) }
        if let entry, let (keys, iterations) = entry.hash.scramUser {
            return ScramExchange.User(salt: entry.hash.salt, iterations: iterations, keys: keys, proof: entry.proof)
        }
        let salt = ScramKeys.code(Array(disguise.utf8), Array(name.utf8)).prefix(12)
        return ScramExchange.User(salt: Array(salt), iterations: scramIterations ?? PasswordHash.scramIterations, keys: nil, proof: 0)
    }

    /// Nobody can guess it or meet it twice.
    private static func nonce() -> String {
        String((0..<2).reduce(UInt128(0)) { sum, _ in sum << 64 | UInt128(UInt64.random(in: 0...UInt64.max)) }, radix: 36)
    }

    package func stillHolds(_ principal: Principal) -> Bool {
        guard case .user(let name) = principal.kind else { return true }
        return state.withLock { $0.entries[name]?.proof == principal.proof }
    }
}

/// Where clients may come in without user name.
package struct AnonymousAccess: Sendable, Equatable {
    /// Everywhere.
    package let isAllowed: Bool
    /// At these listeners, named as in the settings: `mqttsn.udp`. For protocols that have no user names.
    package let listeners: Set<String>

    package init(isAllowed: Bool = false, listeners: Set<String> = []) {
        self.isAllowed = isAllowed
        self.listeners = listeners
    }

    func allows(_ peer: Peer) -> Bool { isAllowed || listeners.contains(peer.listener) }
}
