import Foundation
import Messaging
import Synchronization

/// The server's side of SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677).
///
///     client                                 server
///     n,,n=user,r=CLIENT          ─▶         looks the user up
///                                 ◀─         r=CLIENTSERVER,s=salt,i=iterations
///     c=biws,r=CLIENTSERVER,p=…   ─▶         checks the proof
///                                 ◀─         v=signature, which proves that it knows the user, too
///
/// A user that does not exist is asked as if it did and refused with the proof, so that the exchange tells nothing about who does.
final class ScramExchange: AuthenticationExchange {
    static let method = "SCRAM-SHA-256"

    /// What the authenticator knows of a user.
    struct User: Sendable {
        let salt: [UInt8]
        let iterations: Int
        /// Nil for a user that does not exist.
        let keys: ScramKeys?
        let proof: UInt64
    }

    private enum State: Sendable {
        case start
        case challenged(Challenge)
        case over
    }

    private struct Challenge: Sendable {
        let first: ScramClientFirst
        let user: User
        let text: String
        let nonce: String
    }

    private let clientID: ClientID?
    private let nonce: String
    private let lookUp: @Sendable (String) -> User
    private let state = Mutex(State.start)

    /// - Parameter nonce: the server's, new for each exchange.
    init(clientID: ClientID?, nonce: String, lookUp: @escaping @Sendable (String) -> User) {
        self.clientID = clientID
        self.nonce = nonce
        self.lookUp = lookUp
    }

    func respond(to data: Secret, completion: @escaping @Sendable (AuthenticationStep) -> Void) {
        completion(
            state.withLock { state in
                switch state {
                case .start: return challenge(data.octets, &state)
                case .challenged(let challenge): return check(data.octets, challenge, &state)
                case .over: return .refused(.badCredentials)
                }
            })
    }

    private func challenge(_ octets: [UInt8], _ state: inout State) -> AuthenticationStep {
        guard let first = ScramClientFirst(octets) else { return refuse(&state) }
        let user = lookUp(first.userName)
        let nonce = first.nonce + nonce
        let text = "r=\(nonce),s=\(Data(user.salt).base64EncodedString()),i=\(user.iterations)"
        state = .challenged(Challenge(first: first, user: user, text: text, nonce: nonce))
        return .challenge(Secret(Array(text.utf8)))
    }

    private func check(_ octets: [UInt8], _ challenge: Challenge, _ state: inout State) -> AuthenticationStep {
        guard let final = ScramClientFinal(octets), final.nonce == challenge.nonce,
            final.channelBinding == Array(challenge.first.header.utf8)
        else { return refuse(&state) }
        let message = Array("\(challenge.first.bare),\(challenge.text),\(final.withoutProof)".utf8)
        guard let keys = challenge.user.keys, keys.accept(final.proof, of: message) else { return refuse(&state) }
        state = .over
        let signature = "v=\(Data(keys.signature(of: message)).base64EncodedString())"
        let principal = Principal(kind: .user(challenge.first.userName), clientID: clientID, proof: challenge.user.proof)
        return .success(principal, Secret(Array(signature.utf8)))
    }

    private func refuse(_ state: inout State) -> AuthenticationStep {
        state = .over
        return .refused(.badCredentials)
    }
}
