/// Port: decides who a client is.
package protocol Authenticator: Sendable {
    /// Calls `completion` exactly once, at once or later, from any thread.
    func authenticate(
        _ credentials: Credentials, completion: @escaping @Sendable (Result<Principal, ConnectRefusal>) -> Void)

    /// Whether what `principal` proved when it came in still holds: it has not been removed and its secret is the same.
    /// Answers from memory, at once.
    func stillHolds(_ principal: Principal) -> Bool

    /// Begins an authentication method in which both sides prove themselves in several steps (RFC 4422; MQTT 5.0, 4.12).
    /// - Parameters:
    ///   - method: its name as registered, e.g. `SCRAM-SHA-256`.
    ///   - credentials: what the client said beside it.
    /// - Returns: nil when the method is not offered.
    func begin(_ method: String, _ credentials: Credentials) -> (any AuthenticationExchange)?
}

extension Authenticator {
    package func begin(_ method: String, _ credentials: Credentials) -> (any AuthenticationExchange)? { nil }
}

/// What a client says about itself.
package struct Credentials: Sendable {
    package let clientID: ClientID?
    package let username: String?
    package let password: Secret?
    package let peer: Peer

    package init(clientID: ClientID?, username: String? = nil, password: Secret? = nil, peer: Peer) {
        self.clientID = clientID
        self.username = username
        self.password = password
        self.peer = peer
    }
}

/// Octets that are never printed.
package struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package let octets: [UInt8]

    package init(_ octets: [UInt8]) { self.octets = octets }

    package var description: String { "••••" }
    package var debugDescription: String { "••••" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
