/// The other end of a transport session, as a value: it may be kept, compared and used as a key for as long as one likes,
/// also after the session is gone. Asking the server for something with a peer that is gone answers `.gone`.
package struct CoAPPeer: Hashable, Sendable {
    /// Never used twice by a server.
    package let id: UInt64
    /// Numeric address and port for records: `127.0.0.1:50123`, `[::1]:50123`.
    package let address: String
    package let isLoopback: Bool
    package let transport: CoAPTransport

    package init(id: UInt64, address: String, isLoopback: Bool, transport: CoAPTransport) {
        self.id = id
        self.address = address
        self.isLoopback = isLoopback
        self.transport = transport
    }

    package static func == (left: CoAPPeer, right: CoAPPeer) -> Bool { left.id == right.id }

    package func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

/// What carries the messages.
package enum CoAPTransport: String, Sendable, Hashable {
    case udp
}

/// One observation of a client: its transport session and the token it chose (RFC 7641, 3.1).
package struct CoAPObserver: Hashable, Sendable {
    package let peer: CoAPPeer
    package let token: CoAPToken

    package init(peer: CoAPPeer, token: CoAPToken) {
        self.peer = peer
        self.token = token
    }
}
