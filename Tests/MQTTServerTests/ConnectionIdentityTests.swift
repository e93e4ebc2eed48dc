import MQTTCodec
import Messaging
import Testing
import Transport

@testable import MQTTServer

@Suite struct ConnectionIdentityTests {
    private static let names = {
        var names = CertificateNames()
        names.commonName = "cn"
        names.uri = "urn:a"
        return names
    }()

    private func identity(userName: IdentityRules.Name? = nil, clientID: IdentityRules.Name? = nil)
        -> ConnectionIdentity
    {
        var rules = IdentityRules()
        rules.certificateUserName = userName
        rules.certificateClientIdentifier = clientID
        return ConnectionIdentity(.certificate(Self.names), rules)
    }

    private func credentials(userName: String? = nil) -> Credentials {
        Credentials(
            clientID: ClientID("c"), username: userName,
            peer: Peer(address: "127.0.0.1:5", isLoopback: true, listener: "mqtt.tls"))
    }

    private func receive(_ connect: Connect, as identity: ConnectionIdentity) -> ConnectionAction {
        var machine = ConnectionMachine(
            rules: ServerRules(MQTTConfiguration(), sessionExpiryMaximum: nil), identity: identity)
        return machine.receive(.connect(connect), makeIdentifier: { "made" })
    }

    @Test func certificatesSayWhatTheRulesAskThem() {
        #expect(identity() == .none)
        #expect(identity(userName: .commonName) == .proven(userName: "cn", clientIdentifier: nil))
        #expect(identity(userName: .uri, clientID: .commonName) == .proven(userName: "urn:a", clientIdentifier: "cn"))
        #expect(identity(userName: .commonName, clientID: .email) == .nameless)
        #expect(ConnectionIdentity(.unknown, IdentityRules()) == .none)
    }

    @Test func aPreSharedKeysIdentityIsTheUserNameWhereTheRulesSaySo() {
        var rules = IdentityRules()
        #expect(ConnectionIdentity(.preSharedKey(identity: "s"), rules) == .none)
        rules.usesPreSharedKeyIdentity = true
        #expect(
            ConnectionIdentity(.preSharedKey(identity: "s"), rules) == .proven(userName: "s", clientIdentifier: nil))
    }

    @Test func theProvenUserNameWinsOverTheClientsOwn() {
        let principal = identity(userName: .commonName).principal(for: credentials(userName: "other"))
        #expect(principal == Principal(kind: .user("cn"), clientID: ClientID("c"), isProvenByConnection: true))
        #expect(ConnectionIdentity.none.principal(for: credentials()) == nil)
    }

    @Test func whoIsKnownByClientIdentifierAloneIsAnonymousUnlessItHasAUserName() {
        let identity = identity(clientID: .commonName)
        #expect(identity.principal(for: credentials())?.kind == .anonymous)
        #expect(identity.principal(for: credentials(userName: "u")) == nil)
    }

    @Test func theProvenClientIdentifierIsTheOnlyOne() {
        let identity = identity(clientID: .commonName)
        let refusal = Packet.connack(ConnAck(reasonCode: .clientIdentifierNotValid))
        for own in ["", "cn"] {
            let connect = Connect(version: .v5, clientIdentifier: own, cleanStart: true)
            #expect(
                receive(connect, as: identity) == .open(Opening(connect: connect, clientIdentifier: "cn", keepAlive: 0))
            )
        }
        let other = Connect(version: .v5, clientIdentifier: "other", cleanStart: true)
        #expect(receive(other, as: identity) == .end(goodbye: refusal, .lost))
        // MQTT-3.1.3-8 holds for it, too.
        let unclean = Connect(version: .v311, clientIdentifier: "", cleanStart: false)
        #expect(receive(unclean, as: identity) == .end(goodbye: refusal, .lost))
    }

    @Test func aReservedIdentifierIsNobodysByCertificateEither() {
        let connect = Connect(version: .v5, clientIdentifier: "", cleanStart: true)
        let identity = ConnectionIdentity.proven(userName: nil, clientIdentifier: "lwm2m:ep1")
        guard case .end = receive(connect, as: identity) else { return #expect(Bool(false), "let in") }
    }

    @Test func whoLacksTheNameIsRefused() {
        let connect = Connect(version: .v311, clientIdentifier: "c", cleanStart: true)
        #expect(receive(connect, as: .nameless) == .end(goodbye: .connack(ConnAck(reasonCode: .notAuthorized)), .lost))
    }
}
