import Messaging

/// What a publish/subscribe request says in its query: `?qos=1&retain=true&expiry=60&clientid=c1&username=u&password=p`.
/// The short names are those other gateways know: `q`, `r`, `c`, `u`, `p`. Other names are left alone.
struct RequestParameters: Equatable {
    struct Failure: Error, Equatable {
        let sentence: String
    }

    /// Without `qos`: at least once for CON, at most once for NON.
    let qos: QoS
    /// Nil when the query does not say.
    let retain: Bool?
    let expiry: Duration?
    let clientID: ClientID?
    let username: String?
    let password: [UInt8]?

    init(_ request: CoAPRequest) throws(Failure) {
        qos = try Self.qos(request.query("qos", "q")) ?? (request.isConfirmable ? .atLeastOnce : .atMostOnce)
        retain = try Self.flag(request.query("retain", "r"))
        expiry = try Self.seconds(request.query("expiry"))
        let name = request.query("clientid", "c")
        guard name != "" else { throw Failure(sentence: "clientid must not be empty") }
        clientID = name.map { ClientID(.coap, $0) }
        username = request.query("username", "u")
        password = request.query("password", "p").map { Array($0.utf8) }
    }

    /// Who asks. The peer's address stands in for a missing client id where a session is needed.
    func credentials(_ peer: CoAPPeer, listener: String, needsClientID: Bool = false) -> Credentials {
        Credentials(
            clientID: clientID ?? (needsClientID ? ClientID(.coap, peer.address) : nil), username: username,
            password: password.map(Secret.init),
            peer: Peer(address: peer.address, isLoopback: peer.isLoopback, listener: listener))
    }

    private static func qos(_ text: String?) throws(Failure) -> QoS? {
        guard let text else { return nil }
        guard let qos = UInt8(text).flatMap(QoS.init) else { throw Failure(sentence: "qos is 0, 1 or 2") }
        return qos
    }

    private static func flag(_ text: String?) throws(Failure) -> Bool? {
        switch text {
        case nil: return nil
        case "true", "1", "": return true
        case "false", "0": return false
        default: throw Failure(sentence: "retain is true or false")
        }
    }

    private static func seconds(_ text: String?) throws(Failure) -> Duration? {
        guard let text else { return nil }
        guard let seconds = UInt32(text) else { throw Failure(sentence: "expiry is a number of seconds") }
        return .seconds(seconds)
    }
}
