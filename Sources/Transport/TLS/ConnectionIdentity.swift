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
    /// The identity of a pre-shared key is the client identifier.
    package var bindsClientIdentifierToPreSharedKey = false

    package init() {}
}

/// What the layers below a protocol have proved about a client. Who is named by them comes in without password.
package enum ConnectionIdentity: Sendable, Equatable {
    /// Nothing: the client has to prove who it is.
    case none
    /// At least one of both. Indirect, as most connections have none.
    indirect case proven(userName: String?, clientIdentifier: String?)
    /// The certificate lacks the name that is asked for, so the client is nobody.
    case nameless

    package init(_ client: TLSClientIdentity, _ rules: IdentityRules) {
        switch client {
        case .unknown: self = .none
        case .certificate(let names): self.init(names, rules)
        case .preSharedKey(let identity):
            let userName = rules.usesPreSharedKeyIdentity ? identity : nil
            let clientIdentifier = rules.bindsClientIdentifierToPreSharedKey ? identity : nil
            self =
                userName == nil && clientIdentifier == nil
                ? .none : .proven(userName: userName, clientIdentifier: clientIdentifier)
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
    package var clientIdentifier: String? {
        if case .proven(_, let clientIdentifier) = self { clientIdentifier } else { nil }
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
