package import Messaging

/// Lets in whoever comes from this machine, and others only when the operator said so. What stands in the settings decides
/// whether a listener outside loopback may be opened at all; this is the second lock on the same door.
package struct LoopbackAuthenticator: Authenticator {
    private let allowsAnonymous: Bool

    /// - Parameter allowsAnonymous: let in anybody from anywhere (`allow_anonymous: true`).
    package init(allowsAnonymous: Bool = false) { self.allowsAnonymous = allowsAnonymous }

    package func authenticate(
        _ credentials: Credentials, completion: @escaping @Sendable (Result<Principal, ConnectRefusal>) -> Void
    ) {
        guard credentials.peer.isLoopback || allowsAnonymous else { return completion(.failure(.notAuthorized)) }
        completion(.success(Principal(kind: .anonymous, clientID: credentials.clientID)))
    }

    package func stillHolds(_ principal: Principal) -> Bool { true }
}

/// Allows everything to everybody who got in.
package struct PermissiveAuthorizer: Authorizer {
    package init() {}
    package var restricts: Bool { false }
    package func allows(_ action: Action, by principal: Principal) -> Bool { true }
    package func access(to filter: TopicFilter, by principal: Principal) -> SubscriptionAccess { .full }
}
