/// Port: decides who a client is.
public protocol Authenticator: Sendable {
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
    public func begin(_ method: String, _ credentials: Credentials) -> (any AuthenticationExchange)? { nil }
}

/// What a client says about itself.
public struct Credentials: Sendable {
    public let clientID: ClientID?
    public let username: String?
    public let password: Secret?
    public let peer: Peer

    public init(clientID: ClientID?, username: String? = nil, password: Secret? = nil, peer: Peer) {
        self.clientID = clientID
        self.username = username
        self.password = password
        self.peer = peer
    }
}

/// Octets that are never printed.
public struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public let octets: [UInt8]

    public init(_ octets: [UInt8]) { self.octets = octets }

    public var description: String { "••••" }
    public var debugDescription: String { "••••" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
