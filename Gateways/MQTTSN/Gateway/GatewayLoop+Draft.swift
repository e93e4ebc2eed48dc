import Messaging
import NIOCore

/// CONNECT and AUTH of 2.0.
extension GatewayLoop {
    func receive(_ connect: Packet.ConnectDraft, by route: Route) {
        func refuse(_ reason: ReturnCode) {
            send(
                .connackDraft(Packet.ConnackDraft(messageID: connect.messageID, reason: reason)), to: route,
                version: .v20)
        }
        var assigned: String?
        if connect.clientID.isEmpty { assigned = Self.newClientID() }
        let clientID = assigned ?? connect.clientID
        var equivalent = connect.inOldWords
        equivalent.clientID = clientID
        guard connect.keepAlive > 0, connect.isPacketSizeValid else { return refuse(.protocolError) }
        guard policy(for: clientID, by: route, .v20).refusal(of: equivalent) == nil else {
            return refuse(.invalidClientID)
        }
        guard mayBe(ClientID(clientID), route) else {
            counters.identitiesRefused.add()
            return refuse(.notAuthorized)
        }
        let will = connect.will.flatMap { Will($0, predefinedTopics, ClientID(clientID)) }
        guard connect.will == nil || will != nil else { return refuse(.invalidTopicName) }
        guard hasRoom(for: route) else { return refuse(.draftCongestion) }
        let terms = DraftTerms(connect, assignedClientID: assigned, will: will)
        let device = begin(equivalent, draft: terms, by: route)
        guard let authentication = connect.authentication else { return device.start() }
        device.authenticate(authentication)
    }

    /// Random, as whoever guesses an id can take its session over.
    private static func newClientID() -> String {
        "sn-" + String(UInt64.random(in: .min ... .max), radix: 36)
            + String(UInt64.random(in: .min ... .max), radix: 36)
    }
}

extension Packet.ConnectDraft {
    /// The same in the words of 1.2, as far as those go.
    var inOldWords: Packet.Connect {
        Packet.Connect(will: false, cleanSession: cleanStart, duration: keepAlive, clientID: clientID)
    }

    fileprivate var isPacketSizeValid: Bool {
        maximumPacketSize == 0 || Int(maximumPacketSize) >= DraftTerms.leastPacketSize
    }
}

extension Will {
    /// Nil when the topic is none; there is no session yet whose alias it could be.
    fileprivate init?(_ will: Packet.ConnectDraft.Will, _ predefined: PredefinedTopicTable, _ clientID: ClientID) {
        let topic: TopicName? =
            switch will.topic {
            case .predefined(let id): predefined.topic(of: id, for: clientID)
            case .name(let name): try? TopicName(name)
            case .alias, .reserved: nil
            }
        guard let topic, let qos = will.qos.qos else { return nil }
        self.init(topic: topic, payload: Array(will.payload.readableBytesView), qos: qos, retain: will.retain)
    }
}

extension Device {
    /// How long a client may take for its next AUTH.
    private static let patience = RetryPolicy(interval: .seconds(30), repetitions: 0)

    /// What CONNECT brought: user name and password, or the beginning of a method of several steps.
    func authenticate(_ authentication: Packet.Authentication) {
        guard authentication.method != Login.basicMethod else {
            guard let login = Login(basic: authentication.data) else { return refuseLogin(.malformed) }
            machine.draft?.login = login
            return start()
        }
        let credentials = Credentials(clientID: clientID, peer: route.peer.record)
        guard let exchange = loop.broker.beginAuthentication(authentication.method, credentials) else {
            return refuseLogin(.badAuthenticationMethod)
        }
        machine.draft?.exchange = exchange
        respond(with: authentication.data)
    }

    /// Only AUTH goes on with an exchange; CONNECT and AUTH are never repeated.
    func receiveWhileProving(_ packet: Packet) {
        guard case .auth(let auth) = packet, auth.reason == .continueAuthentication,
            auth.authentication.method == machine.draft?.connect.authentication?.method
        else { return loop.counters.packetsUnexpected.add() }
        respond(with: auth.authentication.data)
    }

    /// Hands on what the client said; the answer comes as a note.
    func respond(with data: ByteBuffer) {
        machine.handshakeTimer = RetryTimer(Self.patience, now: loop.now)
        loop.scheduleTimer(of: self)
        let serial = serial
        machine.draft?.exchange?.respond(to: Secret(Array(data.readableBytesView))) { [notes = loop.notes] step in
            notes.add(.proving(serial: serial, step))
        }
    }

    func proves(_ step: AuthenticationStep) {
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

    private func auth(_ reason: ReturnCode, _ data: Secret) -> Packet.Auth {
        let connect = machine.draft?.connect
        return Packet.Auth(
            messageID: connect?.messageID ?? 0, reason: reason,
            authentication: Packet.Authentication(
                method: connect?.authentication?.method ?? "", data: ByteBuffer(bytes: data.octets)))
    }

    private func refuseLogin(_ reason: ReturnCode) {
        machine.draft?.exchange = nil
        machine.handshakeTimer = nil
        run { machine, actions in machine.refused(reason, into: &actions) }
    }
}
