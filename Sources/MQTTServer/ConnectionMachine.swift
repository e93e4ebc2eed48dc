import MQTTCodec
import Messaging

/// What one client may say when, and what follows: the protocol of one connection without sockets, time or broker.
///
///                 CONNECT             opened
///     awaiting ───────────▶ opening ─────────▶ open ──── DISCONNECT, error ───▶ over
///        │                     │ refused                                         ▲
///        └── anything else ────┴─────────────────────────────────────────────────┘
///
/// Session state (packet identifiers, deliveries, QoS 2 receptions) lives in the core; here is only what dies with the
/// connection: version, receive maximum in use, topic aliases.
struct ConnectionMachine: Equatable {
    enum State: Equatable {
        case awaitingConnect
        case opening
        case open
        case over
    }

    private(set) var state = State.awaitingConnect
    /// Known from CONNECT on.
    private(set) var version: ProtocolVersion?
    private let limits: Limits
    private var aliases: TopicAliases
    /// Publications at QoS 1 and 2 that the client has not seen confirmed: its use of our receive maximum.
    private var unconfirmed = 0
    /// Session expiry of CONNECT, in seconds: DISCONNECT may not turn 0 into something else.
    private var sessionExpiryInterval: UInt32 = 0
    private var assignedClientIdentifier: String?

    /// The configuration, as far as the protocol shows it.
    struct Limits: Equatable {
        var maximumPacketSize: Int
        var receiveMaximum: UInt16
        var topicAliasMaximum: UInt16
        /// Longest session expiry the broker grants, in seconds; nil for no bound.
        var sessionExpiryMaximum: UInt32?
    }

    init(limits: Limits) {
        self.limits = limits
        aliases = TopicAliases(maximum: limits.topicAliasMaximum)
    }

    // MARK: What the client sends

    /// - Parameter makeIdentifier: called when the client wants one chosen for it; returns a new one each time.
    mutating func receive(_ packet: Packet, makeIdentifier: () -> String) -> ConnectionAction {
        switch state {
        case .awaitingConnect:
            guard case .connect(let connect) = packet else { return fail(.protocolError) }  // MQTT-3.1.0-1
            return receive(connect, makeIdentifier: makeIdentifier)
        case .open:
            return receiveWhileOpen(packet)
        case .opening:
            preconditionFailure("nothing is decoded while the broker decides on CONNECT")
        case .over:
            return .ignore
        }
    }

    private mutating func receiveWhileOpen(_ packet: Packet) -> ConnectionAction {
        switch packet {
        case .publish(let publish): receive(publish)
        case .puback(let acknowledgement): receivePubAck(acknowledgement)
        case .pubrec(let acknowledgement): receivePubRec(acknowledgement)
        case .pubrel(let acknowledgement): .release(acknowledgement.packetIdentifier)
        case .pubcomp(let acknowledgement): .settle(acknowledgement.packetIdentifier, .completed)
        case .subscribe(let subscribe): .subscribe(subscribe)
        case .unsubscribe(let unsubscribe): .unsubscribe(unsubscribe)
        case .pingreq: .reply(.pingresp)  // MQTT-3.12.4-1
        case .disconnect(let disconnect): receive(disconnect)
        // MQTT-4.12.0-6: no authentication method is in use, and the other types only a server sends.
        case .auth, .connect, .connack, .suback, .unsuback, .pingresp: fail(.protocolError)
        }
    }

    /// The bytes were no packet.
    mutating func receive(_ error: DecodeError, version: ProtocolVersion?) -> ConnectionAction {
        self.version = self.version ?? version
        if case .unsupportedProtocolVersion(let level) = error {
            // MQTT-3.1.2-2: told in the shape the client's version has, as far as one can guess it.
            self.version = level > ProtocolVersion.v5.rawValue ? .v5 : .v311
        }
        return fail(error.reasonCode)
    }

    // MARK: Ending

    /// Ends the connection because of what the client did; the will is published (MQTT-3.1.2-8).
    mutating func fail(_ code: ReasonCode) -> ConnectionAction {
        let goodbye = goodbye(code)
        state = .over
        return .end(goodbye: goodbye, .lost)
    }

    /// The core or the gateway ends the connection.
    mutating func close(_ code: ReasonCode, detach reason: DetachReason) -> ConnectionAction {
        guard state != .over else { return .ignore }
        let goodbye = state == .open ? goodbye(code) : nil
        state = .over
        return .end(goodbye: goodbye, reason)
    }

    /// The connection broke.
    mutating func lost() {
        state = .over
    }

    private func goodbye(_ code: ReasonCode) -> Packet? {
        switch (state, version) {
        case (.over, _), (_, nil): return nil
        case (.open, .v5): return .disconnect(Disconnect(reasonCode: code))  // MQTT-4.13.1-1
        case (.open, _): return nil  // before 5.0 a server has no DISCONNECT
        case (_, .v5): return .connack(ConnAck(reasonCode: code))
        // Before 5.0 only the refusals of table 3.1 have a return code; malformed bytes are answered by closing.
        case (_, _): return code.hasReturnCode ? .connack(ConnAck(reasonCode: code)) : nil
        }
    }
}

extension ReasonCode {
    /// Whether a CONNACK of 3.1 and 3.1.1 can say it (MQTT 3.1.1, table 3.1).
    fileprivate var hasReturnCode: Bool {
        switch self {
        case .unsupportedProtocolVersion, .clientIdentifierNotValid, .badUserNameOrPassword, .notAuthorized,
            .serverUnavailable, .quotaExceeded:
            true
        default: false
        }
    }
}

// MARK: - Connecting

extension ConnectionMachine {
    private mutating func receive(_ connect: Connect, makeIdentifier: () -> String) -> ConnectionAction {
        version = connect.version
        sessionExpiryInterval = connect.properties.sessionExpiryInterval ?? 0
        // MQTT 5.0, 4.12: authentication methods are named and refused; password authentication needs none.
        guard connect.properties.authenticationMethod == nil else { return fail(.badAuthenticationMethod) }
        guard !connect.clientIdentifier.isEmpty else { return assign(connect, makeIdentifier()) }
        // MQTT 3.1, 3.1: client identifiers have up to 23 characters. Longer ones are common and do no harm.
        state = .opening
        return .open(Opening(connect: connect, clientIdentifier: connect.clientIdentifier))
    }

    private mutating func assign(_ connect: Connect, _ identifier: String) -> ConnectionAction {
        // 3.1 has no empty identifiers; in 3.1.1 they need a clean session (MQTT-3.1.3-8), from 5.0 on nothing (MQTT-3.1.3-6).
        guard connect.version == .v5 || (connect.version == .v311 && connect.cleanStart) else {
            return fail(.clientIdentifierNotValid)
        }
        assignedClientIdentifier = identifier
        state = .opening
        return .open(Opening(connect: connect, clientIdentifier: identifier))
    }

    /// The broker let the client in.
    /// - Returns: CONNACK.
    mutating func opened(sessionPresent: Bool) -> Packet {
        precondition(state == .opening, "only a client that asked is let in")
        state = .open
        // MQTT-3.2.2-2, MQTT-3.2.2-3
        return .connack(ConnAck(isSessionPresent: sessionPresent, properties: version == .v5 ? connAckProperties : []))
    }

    mutating func refused(_ refusal: ConnectRefusal) -> ConnectionAction {
        fail(ReasonCode(refusal))
    }

    private var connAckProperties: Properties {
        var properties: Properties = [.maximumPacketSize(UInt32(clamping: limits.maximumPacketSize))]
        if limits.receiveMaximum < .max { properties.append(.receiveMaximum(limits.receiveMaximum)) }
        if limits.topicAliasMaximum > 0 { properties.append(.topicAliasMaximum(limits.topicAliasMaximum)) }
        if let maximum = limits.sessionExpiryMaximum, sessionExpiryInterval > maximum {
            properties.append(.sessionExpiryInterval(maximum))  // MQTT 5.0, 3.2.2.3.2
        }
        if let assignedClientIdentifier {
            properties.append(.assignedClientIdentifier(assignedClientIdentifier))  // MQTT-3.2.2-16
        }
        return properties
    }

    private mutating func receive(_ disconnect: Disconnect) -> ConnectionAction {
        let expiry = disconnect.properties.sessionExpiryInterval
        // MQTT 5.0, 3.14.2.2.2: a session meant to end with its connection stays so.
        guard expiry == nil || expiry == 0 || sessionExpiryInterval != 0 else { return fail(.protocolError) }
        state = .over
        // MQTT-3.14.4-3: only the normal goodbye takes the will back.
        let reason: DetachReason = disconnect.reasonCode == .normalDisconnection ? .goodbye : .goodbyeWithWill
        let change = expiry.map { SessionExpiryChange(Duration(sessionExpiryInterval: $0)) }
        return .end(goodbye: nil, reason, expiry: change)
    }
}

// MARK: - Publishing

extension ConnectionMachine {
    private mutating func receive(_ publish: Publish) -> ConnectionAction {
        if publish.qos > .atMostOnce, version == .v5, unconfirmed >= Int(limits.receiveMaximum),
            !publish.isDuplicate
        {
            return fail(.receiveMaximumExceeded)  // MQTT-3.3.4-9
        }
        if publish.qos == .atLeastOnce { unconfirmed += 1 }
        do {
            return .publish(Publication(topic: try aliases.topic(of: publish), publish: publish))
        } catch {
            return fail(error)
        }
    }

    /// The broker takes the reception of an exactly-once message on, or has had it before.
    mutating func began(isNew: Bool) {
        if isNew { unconfirmed += 1 }
    }

    /// More exactly-once messages wait for their release than the broker keeps.
    mutating func cannotBegin() -> ConnectionAction {
        fail(.receiveMaximumExceeded)
    }

    /// The broker has decided on a publication at QoS 1 or 2.
    /// - Returns: PUBACK or PUBREC (MQTT-4.3.2-4, MQTT-4.3.3-8).
    mutating func published(
        _ identifier: PacketIdentifier, at qos: Messaging.QoS, _ outcome: PublishOutcome
    ) -> Packet {
        let code: ReasonCode =
            switch outcome {
            case .accepted(receivers: 0, _): .noMatchingSubscribers
            case .accepted: .success
            case .refused(let refusal): ReasonCode(refusal)
            }
        // An exactly-once message stays unconfirmed until PUBCOMP, unless PUBREC already ends the exchange.
        if qos == .atLeastOnce || code.isFailure { confirmed() }
        let acknowledgement = Acknowledgement(identifier, reasonCode: code)
        return qos == .atLeastOnce ? .puback(acknowledgement) : .pubrec(acknowledgement)
    }

    /// An exactly-once message was received before and is only confirmed again (MQTT-4.3.3-10).
    func repeated(_ identifier: PacketIdentifier) -> Packet {
        .pubrec(Acknowledgement(identifier))
    }

    /// PUBREL was carried out.
    /// - Returns: PUBCOMP (MQTT-4.3.3-11).
    mutating func released(_ identifier: PacketIdentifier, wasKnown: Bool) -> Packet {
        if wasKnown { confirmed() }
        return .pubcomp(Acknowledgement(identifier, reasonCode: wasKnown ? .success : .packetIdentifierNotFound))
    }

    private mutating func confirmed() {
        // Identifiers left over from an earlier connection are released on this one, too (MQTT 5.0, 4.9).
        unconfirmed = max(0, unconfirmed - 1)
    }
}

// MARK: - Receiving

extension ConnectionMachine {
    private func receivePubAck(_ acknowledgement: Acknowledgement) -> ConnectionAction {
        .settle(acknowledgement.packetIdentifier, acknowledgement.reasonCode.isFailure ? .refused : .acknowledged)
    }

    private func receivePubRec(_ acknowledgement: Acknowledgement) -> ConnectionAction {
        .settle(acknowledgement.packetIdentifier, acknowledgement.reasonCode.isFailure ? .refused : .received)
    }

    /// A report on a delivery reached the core.
    /// - Returns: PUBREL after the first step of QoS 2 (MQTT-4.3.3-4), else nothing.
    func settled(_ identifier: PacketIdentifier, _ settlement: Settlement, wasKnown: Bool) -> Packet? {
        guard settlement == .received else { return nil }
        // An unknown identifier is answered all the same, so that the client can forget it (MQTT 5.0, 4.3.3).
        return .pubrel(Acknowledgement(identifier, reasonCode: wasKnown ? .success : .packetIdentifierNotFound))
    }
}
