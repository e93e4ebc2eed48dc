import Messaging
import NIOCore

/// How a client of 2.0 shows who it is: in CONNECT, and again while it is connected, when it goes on with everything else meanwhile.
extension Device {
    /// How long a client may take for its next AUTH before it is connected.
    private static let patience = RetryPolicy(interval: .seconds(30), repetitions: 0)

    /// What CONNECT brought: user name and password, or the beginning of a method of several steps.
    func authenticate(_ authentication: Packet.Authentication) {
        guard authentication.method != Login.basicMethod else {
            guard let login = Login(basic: authentication.data) else { return refuseLogin(.malformed) }
            machine.draft?.login = login
            return start()
        }
        guard begin(authentication) else { return refuseLogin(.badAuthenticationMethod) }
    }

    /// Before the client is connected, only AUTH goes on with an exchange; CONNECT and AUTH are never repeated.
    func receiveWhileProving(_ packet: Packet) {
        guard case .auth(let auth) = packet, auth.reason == .continueAuthentication, isOfMethod(auth) else {
            return loop.counters.packetsUnexpected.add()
        }
        machine.draft?.authID = auth.messageID
        respond(with: auth.authentication.data)
    }

    /// AUTH of a client that is connected (as MQTT 5.0, 4.12.1).
    func receive(_ auth: Packet.Auth) {
        guard let draft = machine.draft, isOfMethod(auth) else { return reject(.badAuthenticationMethod) }
        draft.authID = auth.messageID
        switch (auth.reason, draft.exchange) {
        case (.reauthenticate, nil) where auth.authentication.method == Login.basicMethod:
            checkAgain(auth.authentication.data)
        case (.reauthenticate, nil): if !begin(auth.authentication) { reject(.badAuthenticationMethod) }
        case (.continueAuthentication, .some): respond(with: auth.authentication.data)
        default: reject(.protocolError)
        }
    }

    /// The method is the one of CONNECT as long as the client is connected.
    private func isOfMethod(_ auth: Packet.Auth) -> Bool {
        auth.authentication.method == machine.draft?.connect.authentication?.method
    }

    /// - Returns: false for a method that nobody here knows.
    private func begin(_ authentication: Packet.Authentication) -> Bool {
        let credentials = Credentials(clientID: clientID, peer: route.peer.record)
        guard let exchange = loop.broker.beginAuthentication(authentication.method, credentials) else { return false }
        machine.draft?.exchange = exchange
        respond(with: authentication.data)
        return true
    }

    /// Hands on what the client said; the answer comes as a note.
    private func respond(with data: ByteBuffer) {
        if attachment == nil {
            machine.handshakeTimer = RetryTimer(Self.patience, now: loop.now)
            loop.scheduleTimer(of: self)
        }
        let serial = serial
        machine.draft?.exchange?.respond(to: Secret(Array(data.readableBytesView))) { [notes = loop.notes] step in
            notes.add(.proving(serial: serial, step))
        }
    }

    private func checkAgain(_ data: ByteBuffer) {
        guard let login = Login(basic: data) else { return reject(.malformed) }
        let credentials = Credentials(
            clientID: clientID, username: login.userName, password: login.password, peer: route.peer.record)
        let serial = serial
        loop.broker.authenticate(credentials) { [notes = loop.notes] result in
            let step: AuthenticationStep =
                switch result {
                case .success(let principal): .success(principal, Secret([]))
                case .failure(let refusal): .refused(refusal)
                }
            notes.add(.proving(serial: serial, step))
        }
    }

    /// The exchange has decided on what the client said.
    func proves(_ step: AuthenticationStep) {
        if let attachment { return provesAgain(step, attachment) }
        guard machine.draft?.exchange != nil else { return }
        switch step {
        case .challenge(let data): send(.auth(auth(.continueAuthentication, data)))
        case .success(let principal, let data):
            machine.draft?.exchange = nil
            machine.handshakeTimer = nil
            machine.draft?.authentication = auth(.accepted, data).authentication
            var login = Login()
            login.proven = principal
            machine.draft?.login = login
            start()
        case .refused(let refusal): refuseLogin(ReturnCode(draft: refusal))
        }
    }

    private func provesAgain(_ step: AuthenticationStep, _ attachment: any Attachment) {
        switch step {
        case .challenge(let data): send(.auth(auth(.continueAuthentication, data)))
        // Nobody becomes somebody else on an open connection.
        case .success(let principal, _) where principal.kind != attachment.principal.kind: reject(.notAuthorized)
        case .success(_, let data):
            machine.draft?.exchange = nil
            send(.auth(auth(.accepted, data)))
        case .refused: reject(.notAuthorized)
        }
    }

    /// - Returns: an AUTH with the identifier of the message it answers.
    private func auth(_ reason: ReturnCode, _ data: Secret) -> Packet.Auth {
        Packet.Auth(
            messageID: machine.draft?.authID ?? 0, reason: reason,
            authentication: Packet.Authentication(
                method: machine.draft?.connect.authentication?.method ?? "", data: ByteBuffer(bytes: data.octets)))
    }

    private func refuseLogin(_ reason: ReturnCode) {
        machine.draft?.exchange = nil
        machine.handshakeTimer = nil
        run { machine, actions in machine.refused(reason, into: &actions) }
    }
}
