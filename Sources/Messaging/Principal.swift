/// Who acts, as far as access decisions are concerned.
public struct Principal: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        /// The gateway itself ($SYS, status topics): never refused.
        case gateway
        /// Nobody proved anything.
        case anonymous
        /// Proved to be this user.
        case user(String)
    }

    public let kind: Kind
    /// Session the action belongs to; nil for a publisher without session.
    public let clientID: ClientID?
    /// Which state of its credentials it proved, in the authenticator's own numbers (`Authenticator.stillHolds`). Has a meaning
    /// only inside this process.
    public let proof: UInt64
    /// The connection itself proved it, by a certificate or a pre-shared key: it holds as long as the connection, and no
    /// authenticator has a say in it.
    public let isProvenByConnection: Bool

    public init(kind: Kind, clientID: ClientID?, proof: UInt64 = 0, isProvenByConnection: Bool = false) {
        self.kind = kind
        self.clientID = clientID
        self.proof = proof
        self.isProvenByConnection = isProvenByConnection
    }

    public static let gateway = Principal(kind: .gateway, clientID: nil)
}

/// Where a client comes from.
public struct Peer: Sendable, Equatable {
    /// Numeric address and port, for records: `127.0.0.1:50123`, `[::1]:50123`.
    public let address: String
    /// The address is one of this machine's loopback addresses.
    public let isLoopback: Bool
    /// Name of the listener it came in by, as in the settings: `mqtt.tcp`, `mqttsn.udp`, `coap.udp`.
    public let listener: String

    public init(address: String, isLoopback: Bool, listener: String) {
        self.address = address
        self.isLoopback = isLoopback
        self.listener = listener
    }
}
