import Messaging
import Transport

extension ConnectionIdentity {
    /// Who the client is, without looking at what it says about itself: nil when that counts. One whose certificate is its
    /// client identifier alone is anonymous, but for a user name of its own, whose password is asked for.
    func principal(for credentials: Credentials) -> Principal? {
        guard case .proven(let userName, _) = self else { return nil }
        if let userName {
            return Principal(kind: .user(userName), clientID: credentials.clientID, isProvenByConnection: true)
        }
        guard credentials.username == nil else { return nil }
        return Principal(kind: .anonymous, clientID: credentials.clientID, isProvenByConnection: true)
    }
}
