import Messaging
import Transport

/// A DTLS session as the way to a client, and what it has proved about it.
final class Association: Sendable {
    let number: UInt64
    let identity: ConnectionIdentity

    init(number: UInt64, identity: ConnectionIdentity) {
        self.number = number
        self.identity = identity
    }

    /// Whether the client may call itself so: a proved client id is the only one.
    func allows(_ clientID: ClientID) -> Bool {
        switch identity {
        case .none: true
        case .nameless: false
        case .proven(_, let proven): proven == nil || proven == clientID.string
        }
    }

    /// Whether the session itself proves that the client is this one, so that its address does not matter.
    func proves(_ clientID: ClientID) -> Bool { identity.clientIdentifier == clientID.string }

    /// Who the client is, with no need to ask the authenticator; nil when it has to be asked.
    func principal(for clientID: ClientID?) -> Principal? {
        guard case .proven(let userName, _) = identity else { return nil }
        return Principal(kind: userName.map { .user($0) } ?? .anonymous, clientID: clientID, isProvenByConnection: true)
    }
}

extension Association: Hashable {
    static func == (left: Association, right: Association) -> Bool { left.number == right.number }
    func hash(into hasher: inout Hasher) { hasher.combine(number) }
}
