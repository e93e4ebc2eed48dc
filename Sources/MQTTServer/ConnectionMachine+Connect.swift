import MQTTCodec
import Messaging
import Transport

/// CONNECT, CONNACK and the client's goodbye.
extension ConnectionMachine {
    /// CONNECT is well-formed (MQTT-3.1.4-1); the rest of the rules for it.
    mutating func receive(_ connect: Connect, makeIdentifier: () -> String) -> ConnectionAction {
        version = connect.version
        explains = connect.version == .v5 && connect.properties.requestsProblemInformation
        sessionExpiryInterval = connect.properties.sessionExpiryInterval ?? 0
        if let redirection = rules.configuration.redirection {
            return fail(redirection.reasonCode, [.serverReference(redirection.reference)])  // MQTT 5.0, 4.11
        }
        if let will = connect.will, let refusal = refusal(of: will) { return fail(refusal) }
        if identity == .nameless { return fail(.notAuthorized, "the certificate has no name of the kind asked for") }
        guard let identifier = identifier(for: connect, makeIdentifier) else {
            return fail(.clientIdentifierNotValid)
        }
        let opening = Opening(connect: connect, clientIdentifier: identifier, keepAlive: keepAlive(for: connect))
        guard let method = connect.properties.authenticationMethod else {
            state = .opening
            return .open(opening)
        }
        return begin(method, opening)
    }

    private func refusal(of will: Connect.Will) -> ReasonCode? {
        let configuration = rules.configuration
        if let refusal = configuration.capabilities.refusal(of: will.qos, isRetained: will.isRetained) {
            return refusal
        }
        let isDeclaredText = will.properties.payloadFormatIndicator ?? false
        return configuration.validatesPayloadFormat && isDeclaredText && !will.payload.isUTF8
            ? .payloadFormatInvalid : nil
    }

    /// The client's own, or one made for it; nil when it may have neither. 3.1 has no empty identifiers; in 3.1.1 they need a clean
    /// session (MQTT 3.1.1, MQTT-3.1.3-7; MQTT 3.1.1, MQTT-3.1.3-8), from 5.0 on nothing (MQTT-3.1.3-6). More than the 23
    /// characters of 3.1 are common and do no harm (MQTT-3.1.3-5).
    private func identifier(for connect: Connect, _ make: () -> String) -> String? {
        guard connect.clientIdentifier.isEmpty else {
            // MQTT-3.1.3-5: what an identifier may hold beyond 23 letters and digits is the server's choice.
            return isAllowed(connect.clientIdentifier) ? connect.clientIdentifier : nil
        }
        guard connect.version == .v5 || (connect.version == .v311 && connect.cleanStart) else { return nil }
        guard let proven = identity.clientIdentifier else { return make() }
        return isAllowed(proven) ? proven : nil
    }

    /// A client that has proved its identifier may not call itself otherwise.
    private func isAllowed(_ identifier: String) -> Bool {
        !ClientID(identifier).isReserved && identity.clientIdentifier.map { $0 == identifier } ?? true
    }

    /// How often to ask a client's host whether it is still there, in seconds: a client before 5.0 cannot be told a shorter keep
    /// alive and is not to be disconnected for keeping its own, but nobody has to wait for one that is gone. 0 for never.
    func probeInterval(for opening: Opening) -> UInt16 {
        let maximum = rules.configuration.maximumKeepAlive
        return opening.connect.version < .v5 && (opening.keepAlive == 0 || opening.keepAlive > maximum) ? maximum : 0
    }

    /// In seconds, 0 for none: the client's own unless it is told another (MQTT-3.1.2-21, MQTT-3.2.2-22).
    private func keepAlive(for connect: Connect) -> UInt16 {
        let maximum = rules.configuration.maximumKeepAlive
        guard maximum > 0, connect.version == .v5 else { return connect.keepAlive }
        return connect.keepAlive == 0 ? maximum : min(connect.keepAlive, maximum)
    }

    /// The broker let the client in.
    /// - Returns: CONNACK, the only one of the connection (MQTT-3.1.4-5, MQTT-3.2.0-2).
    mutating func opened(_ opening: Opening, sessionPresent: Bool) -> Packet {
        precondition(state == .opening, "only a client that asked is let in")
        state = .open
        // MQTT-3.2.2-2, MQTT-3.2.2-3
        return .connack(
            ConnAck(isSessionPresent: sessionPresent, properties: version == .v5 ? properties(for: opening) : []))
    }

    /// MQTT-3.1.4-2; nothing that came behind CONNECT is served (MQTT-3.1.4-6).
    mutating func refused(_ refusal: ConnectRefusal) -> ConnectionAction {
        fail(ReasonCode(refusal))
    }

    /// What a 5.0 client has to know (MQTT 5.0, 3.2.2.3).
    private func properties(for opening: Opening) -> Properties {
        let configuration = rules.configuration
        let asked = opening.connect
        var properties: Properties = [.maximumPacketSize(UInt32(clamping: configuration.maximumPacketSize))]
        if configuration.receiveMaximum < .max { properties.append(.receiveMaximum(configuration.receiveMaximum)) }
        if configuration.topicAliasMaximum > 0 {
            properties.append(.topicAliasMaximum(configuration.topicAliasMaximum))
        }
        if let maximum = rules.sessionExpiryMaximum, sessionExpiryInterval > maximum {
            properties.append(.sessionExpiryInterval(maximum))  // MQTT 5.0, 3.2.2.3.2
        }
        if asked.clientIdentifier.isEmpty {
            properties.append(.assignedClientIdentifier(opening.clientIdentifier))  // MQTT-3.1.3-7, MQTT-3.2.2-16
        }
        if opening.keepAlive != asked.keepAlive { properties.append(.serverKeepAlive(opening.keepAlive)) }  // MQTT-3.2.2-21
        if asked.properties.requestsResponseInformation, let information = responseInformation(opening.clientIdentifier)
        {
            properties.append(.responseInformation(information))  // MQTT-3.1.2-28: only to those who ask
        }
        if let proof = opening.proof {
            // MQTT-4.12.0-5, MQTT 5.0, 3.2.2.3.18
            properties.append(.authenticationMethod(proof.method))
            properties.append(.authenticationData(proof.data))
        }
        for property in configuration.capabilities.properties.list { properties.append(property) }
        return properties
    }

    /// Nil also when a long client identifier makes it longer than a string may be.
    private func responseInformation(_ clientIdentifier: String) -> String? {
        guard let pattern = rules.configuration.responseInformation else { return nil }
        let information = pattern.replacing("%c", with: clientIdentifier)
        return information.utf8.count <= Int(UInt16.max) ? information : nil
    }

    mutating func receive(_ disconnect: Disconnect) -> ConnectionAction {
        let expiry = disconnect.properties.sessionExpiryInterval
        // MQTT 5.0, 3.14.2.2.2: a session meant to end with its connection stays so.
        guard expiry == nil || expiry == 0 || sessionExpiryInterval != 0 else {
            return fail(.protocolError, "a session expiry of 0 cannot be changed")
        }
        state = .over
        // MQTT-3.14.4-3: only the normal goodbye takes the will back.
        let reason: DetachReason = disconnect.reasonCode == .normalDisconnection ? .goodbye : .goodbyeWithWill
        let change = expiry.map { SessionExpiryChange(Duration(sessionExpiryInterval: $0)) }
        return .end(goodbye: nil, reason, expiry: change)
    }
}
