import Messaging
import Transport

/// What certificates and pre-shared keys say about the clients of a listener.
package struct IdentityRules: Sendable, Equatable {
    /// A name in a certificate.
    package enum Name: Sendable, Equatable {
        case commonName, dns, uri, email
    }

    /// The name in a verified certificate that is the user name; nil when certificates do not say who somebody is.
    package var certificateUserName: Name?
    /// The name in a verified certificate that is the client identifier; nil for the client's choice.
    package var certificateClientIdentifier: Name?
    /// The identity of a pre-shared key is the user name.
    package var usesPreSharedKeyIdentity = false

    package init() {}
}

/// What the layers below MQTT have proved about a client. Who is named by them comes in without password.
enum ConnectionIdentity: Sendable, Equatable {
    /// Nothing: the client has to prove who it is.
    case none
    /// At least one of both. Indirect, as most connections have none.
    indirect case proven(userName: String?, clientIdentifier: String?)
    /// The certificate lacks the name that is asked for, so the client is nobody.
    case nameless

    init(_ client: TLSClientIdentity, _ rules: IdentityRules) {
        switch client {
        case .unknown: self = .none
        case .certificate(let names): self.init(names, rules)
        case .preSharedKey(let identity):
            self = rules.usesPreSharedKeyIdentity ? .proven(userName: identity, clientIdentifier: nil) : .none
        }
    }

    private init(_ names: CertificateNames, _ rules: IdentityRules) {
        let wanted = [rules.certificateUserName, rules.certificateClientIdentifier].compactMap { $0 }
        if wanted.isEmpty {
            self = .none
        } else if wanted.contains(where: { names.name($0) == nil }) {
            self = .nameless
        } else {
            self = .proven(
                userName: rules.certificateUserName.flatMap(names.name),
                clientIdentifier: rules.certificateClientIdentifier.flatMap(names.name))
        }
    }

    /// Nil when the client may choose.
    var clientIdentifier: String? {
        if case .proven(_, let clientIdentifier) = self { clientIdentifier } else { nil }
    }

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

extension CertificateNames {
    fileprivate func name(_ name: IdentityRules.Name) -> String? {
        switch name {
        case .commonName: commonName
        case .dns: dns
        case .uri: uri
        case .email: email
        }
    }
}
