import MQTTCodec
import Messaging
import NIOCore

/// An exchange under way; gone as soon as it is over.
final class AuthenticationInProgress {
    let exchange: any AuthenticationExchange
    /// Nil when the client is connected already.
    let opening: Opening?

    init(_ exchange: any AuthenticationExchange, _ opening: Opening?) {
        self.exchange = exchange
        self.opening = opening
    }
}

extension ConnectionHandler {
    func authenticate(_ opening: Opening?, _ method: String, _ data: MQTTCodec.Secret) {
        let credentials =
            opening.map { Credentials($0.connect, clientIdentifier: $0.clientIdentifier, peer: peer) }
            ?? Credentials(clientID: attachment?.clientID, peer: peer)
        guard let exchange = server.broker.beginAuthentication(method, credentials) else {
            return perform(machine.methodIsUnknown())
        }
        authentication = AuthenticationInProgress(exchange, opening)
        respond(data)
    }

    func respond(_ data: MQTTCodec.Secret) {
        guard let authentication, let owner = reachableOwner() else { return }
        authentication.exchange.respond(to: Messaging.Secret(Array(data.bytes.readableBytesView))) { step in
            owner.authenticated(step)
        }
    }

    /// The exchange has decided on what the client said.
    func authenticated(_ step: AuthenticationStep) {
        guard machine.state != .over, let authentication else { return }
        switch step {
        case .challenge(let data): answer(.packet(machine.challenge(MQTTCodec.Secret(data))))
        case .refused(let refusal):
            self.authentication = nil
            perform(machine.failedToProve(refusal))
        case .success(let principal, let data):
            self.authentication = nil
            succeed(principal, MQTTCodec.Secret(data), authentication.opening)
        }
        goOn()
    }

    private func succeed(_ principal: Principal, _ data: MQTTCodec.Secret, _ opening: Opening?) {
        if let opening { return perform(machine.proven(opening, principal, data)) }
        // Nobody becomes somebody else on an open connection.
        guard principal.kind == attachment?.principal.kind else {
            return perform(machine.failedToProve(.notAuthorized))
        }
        answer(.packet(machine.reauthenticated(data)))
    }
}

extension MQTTCodec.Secret {
    fileprivate init(_ secret: Messaging.Secret) { self.init(ByteBuffer(bytes: secret.octets)) }
}
