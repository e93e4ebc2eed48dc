import MQTTCodec
import Messaging
import NIOCore

/// Authentication methods of several steps, on the way in and again while connected (MQTT 5.0, 4.12).
extension ConnectionMachine {
    /// A client that is connected proves itself anew; it goes on with everything else meanwhile.
    enum Reauthentication: Equatable {
        case none
        case proving
        case challenged
    }

    // MARK: What the client says

    mutating func begin(_ method: String, _ opening: Opening) -> ConnectionAction {
        authenticationMethod = method
        state = .proving
        return .authenticate(opening, method: method, opening.connect.properties.proof)
    }

    /// MQTT-3.1.2-30
    mutating func receiveWhileChallenged(_ packet: Packet) -> ConnectionAction {
        switch packet {
        case .auth(let auth):
            guard auth.reasonCode == .continueAuthentication, isOfMethod(auth) else { return failAuthentication() }  // MQTT-4.12.0-3
            state = .proving
            return .respond(auth.properties.proof)
        case .disconnect:
            state = .over
            return .end(goodbye: nil, .goodbye)
        default: return fail(.protocolError, "only AUTH and DISCONNECT may come before CONNACK")
        }
    }

    /// On a connection that is open.
    mutating func receive(_ auth: Auth) -> ConnectionAction {
        // MQTT-4.12.0-6, MQTT-4.12.0-7: without a method in CONNECT there is no AUTH.
        guard let method = authenticationMethod, isOfMethod(auth) else { return failAuthentication() }
        switch (auth.reasonCode, reauthentication) {
        case (.reauthenticate, .none):
            reauthentication = .proving
            return .authenticate(nil, method: method, auth.properties.proof)
        case (.continueAuthentication, .challenged):
            reauthentication = .proving
            return .respond(auth.properties.proof)
        default: return failAuthentication()
        }
    }

    private func isOfMethod(_ auth: Auth) -> Bool {
        auth.properties.authenticationMethod == authenticationMethod  // MQTT-4.12.0-5, MQTT-4.12.1-1
    }

    private mutating func failAuthentication() -> ConnectionAction {
        fail(.protocolError, "this AUTH may not come here")
    }

    // MARK: What is decided about it

    /// Nobody here knows the method (MQTT-4.12.0-1).
    mutating func methodIsUnknown() -> ConnectionAction { fail(.badAuthenticationMethod) }

    /// - Returns: AUTH that asks the client to go on (MQTT-4.12.0-2).
    mutating func challenge(_ data: MQTTCodec.Secret) -> Packet {
        if state == .proving { state = .challenged } else { reauthentication = .challenged }
        return auth(.continueAuthentication, data)
    }

    /// The client has proved who it is, on its way in.
    mutating func proven(_ opening: Opening, _ principal: Principal, _ data: MQTTCodec.Secret) -> ConnectionAction {
        precondition(state == .proving, "only a client that is asked proves itself")
        var opening = opening
        opening.proof = Opening.Proof(principal: principal, method: authenticationMethod ?? "", data: data)
        state = .opening
        return .open(opening)
    }

    /// - Returns: AUTH that says so.
    mutating func reauthenticated(_ data: MQTTCodec.Secret) -> Packet {
        reauthentication = .none
        return auth(.success, data)
    }

    /// The client is refused with CONNACK (MQTT-4.12.0-4), or with DISCONNECT when it is connected already (MQTT-4.12.1-2), where
    /// one code fits all.
    mutating func failedToProve(_ refusal: ConnectRefusal) -> ConnectionAction {
        fail(state == .open ? .notAuthorized : ReasonCode(refusal))
    }

    /// MQTT-3.15.2-1
    private func auth(_ code: ReasonCode, _ data: MQTTCodec.Secret) -> Packet {
        .auth(
            Auth(
                reasonCode: code,
                properties: [.authenticationMethod(authenticationMethod ?? ""), .authenticationData(data)]))
    }
}

extension Properties {
    /// What the client says to prove itself; empty when it says nothing.
    fileprivate var proof: MQTTCodec.Secret { authenticationData ?? MQTTCodec.Secret(ByteBuffer()) }
}
