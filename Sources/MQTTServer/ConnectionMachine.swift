import MQTTCodec
import Messaging
import NIOCore
import Transport

/// What one client may say when, and what follows: the protocol of one connection without sockets, time or broker.
///
///                 CONNECT             opened
///     awaiting ───────────▶ opening ─────────▶ open ──── DISCONNECT, error ───▶ over
///        │  │                ▲ │ refused                                         ▲
///        │  └▶ proving ──────┘ │      proving ⇄ challenged: only with an         │
///        │       ⇅             │      authentication method                      │
///        │     challenged      │                                                 │
///        └── anything else ────┴─────────────────────────────────────────────────┘
///
/// Session state (packet identifiers, deliveries, QoS 2 receptions) lives in the core; here is only what dies with the
/// connection: version, receive maximum in use, topic aliases.
struct ConnectionMachine {
    enum State: Equatable {
        case awaitingConnect
        /// What the client said to prove itself is being looked at.
        case proving
        /// The client is to go on proving itself, and to do nothing else (MQTT-3.1.2-30).
        case challenged
        case opening
        case open
        case over
    }

    var state = State.awaitingConnect
    /// Known from CONNECT on.
    var version: ProtocolVersion?
    let rules: ServerRules
    /// What the layers below have proved about the client.
    let identity: ConnectionIdentity
    private var aliases: TopicAliases
    /// Publications at QoS 1 and 2 that the client has not seen confirmed: its use of our receive maximum.
    private var unconfirmed = 0
    /// Publications that came although it was used up.
    private var excess: UInt64 = 0
    /// Session expiry of CONNECT, in seconds: DISCONNECT may not turn 0 into something else.
    var sessionExpiryInterval: UInt32 = 0
    /// The client has not declined reason strings and user properties on what answers its packets (MQTT-3.1.2-29).
    var explains = false
    /// Of CONNECT; the same all along the connection (MQTT-4.12.0-5).
    var authenticationMethod: String?
    var reauthentication = Reauthentication.none

    init(rules: ServerRules, identity: ConnectionIdentity = .none) {
        self.rules = rules
        self.identity = identity
        aliases = TopicAliases(maximum: rules.configuration.topicAliasMaximum)
    }

    /// Nothing may be read from the client before somebody has decided.
    var isUndecided: Bool { state == .opening || state == .proving }

    // MARK: What the client sends

    /// - Parameter makeIdentifier: called when the client wants one chosen for it; returns a new one each time.
    mutating func receive(_ packet: consuming Packet, makeIdentifier: () -> String) -> ConnectionAction {
        switch state {
        case .awaitingConnect:
            // MQTT-3.1.0-1
            guard case .connect(let connect) = consume packet else {
                return fail(.protocolError, "CONNECT comes first")
            }
            return receive(connect, makeIdentifier: makeIdentifier)
        case .open:
            return receiveWhileOpen(packet)
        case .challenged:
            return receiveWhileChallenged(packet)
        case .opening, .proving:
            preconditionFailure("nothing is decoded while somebody decides whether the client may come in")
        case .over:
            return .ignore
        }
    }

    private mutating func receiveWhileOpen(_ packet: consuming Packet) -> ConnectionAction {
        let type = packet.type
        return switch consume packet {
        case .publish(let publish): receive(publish)  // MQTT-3.3.4-1
        case .puback(let acknowledgement): receivePubAck(acknowledgement)
        case .pubrec(let acknowledgement): receivePubRec(acknowledgement)
        case .pubrel(let acknowledgement): .release(acknowledgement.packetIdentifier)
        case .pubcomp(let acknowledgement): .settle(acknowledgement.packetIdentifier, .completed)
        case .subscribe, .unsubscribe: preconditionFailure("the filters of a client that is in are read where they lie")
        case .pingreq: .reply(.pingresp)  // MQTT-3.12.4-1
        case .disconnect(let disconnect): receive(disconnect)
        case .auth(let auth): receive(auth)
        // Only a server sends these.
        case .connect, .connack, .suback, .unsuback, .pingresp:
            fail(.protocolError, "\(type) may not come here")
        }
    }

    /// The bytes were no packet.
    mutating func receive(_ error: DecodeError, version: ProtocolVersion?) -> ConnectionAction {
        self.version = self.version ?? version
        if case .unsupportedProtocolVersion(let level) = error {
            // MQTT-3.1.2-2: told in the shape the client's version has, as far as one can guess it. Mosquitto's bridges ask with
            // the highest bit set first, and do without when they are told that the version is not supported.
            self.version = level & 0x7F < ProtocolVersion.v5.rawValue ? .v311 : .v5
        }
        return fail(error.reasonCode, error.reasonString)
    }

    // MARK: Ending

    /// Ends the connection, and nothing is said after the goodbye (MQTT-3.14.4-1, MQTT-3.14.4-2, MQTT-3.2.2-7, MQTT-4.13.2-1),
    /// because of what the client did; the will is published (MQTT-3.1.2-8).
    /// - Parameter why: what the code leaves open. CONNACK and DISCONNECT may always tell it (MQTT 5.0, 3.1.2.11.7).
    mutating func fail(_ code: ReasonCode, _ why: String? = nil) -> ConnectionAction {
        fail(code, .reason(why))
    }

    mutating func fail(_ code: ReasonCode, _ properties: Properties) -> ConnectionAction {
        let goodbye = goodbye(code, properties)
        state = .over
        return .end(goodbye: goodbye, .lost)
    }

    /// An answer is larger than the client takes, so that it would wait for it in vain (MQTT-3.1.2-24).
    mutating func cannotSend(_ type: PacketType) -> ConnectionAction {
        guard type == .connack else {
            return fail(.packetTooLarge, "\(type) does not fit into the maximum packet size")
        }
        state = .over
        // It was never let in: nobody has to hear its will.
        return .end(goodbye: .connack(ConnAck(reasonCode: .packetTooLarge)), .goodbye)
    }

    /// The core or the gateway ends the connection.
    mutating func close(_ code: ReasonCode, detach reason: DetachReason) -> ConnectionAction {
        guard state != .over else { return .ignore }
        let goodbye =
            switch state {
            case .open: goodbye(code)
            case .opening: goodbye(.serverUnavailable)
            case .proving, .challenged: goodbye(.notAuthorized)
            case .awaitingConnect, .over: nil as Packet?
            }
        state = .over
        return .end(goodbye: goodbye, reason)
    }

    /// The connection broke.
    mutating func lost() {
        state = .over
    }

    private func goodbye(_ code: ReasonCode, _ properties: Properties = []) -> Packet? {
        switch (state, version) {
        case (.over, _), (_, nil): return nil
        case (.open, .v5): return .disconnect(Disconnect(reasonCode: code, properties: properties))  // MQTT-4.13.1-1
        case (.open, _): return nil  // before 5.0 a server has no DISCONNECT
        case (_, .v5): return .connack(ConnAck(reasonCode: code, properties: properties))
        // Before 5.0 only the refusals of table 3.1 have a return code; what has none is answered by closing
        // (MQTT 3.1.1, MQTT-3.2.2-6).
        case (_, _): return code.hasReturnCode ? .connack(ConnAck(reasonCode: code)) : nil
        }
    }
}

extension ReasonCode {
    /// Whether a CONNACK of 3.1 and 3.1.1 can say it (MQTT 3.1.1, table 3.1).
    fileprivate var hasReturnCode: Bool {
        switch self {
        case .unsupportedProtocolVersion, .clientIdentifierNotValid, .badUserNameOrPassword, .notAuthorized,
            .serverUnavailable, .quotaExceeded, .useAnotherServer, .serverMoved:
            true
        default: false
        }
    }
}

// MARK: - Publishing

extension ConnectionMachine {
    private mutating func receive(_ publish: Publish) -> ConnectionAction {
        switch publish.withReceived({ judge($0) }) {
        case .accepted(let alias): .publish(Publication(alias: alias, publish: publish))
        case .refused(let action): action
        }
    }

    /// Whether a PUBLISH of a client that is in (`state` is `open`) is in order.
    mutating func judge(_ publish: borrowing ReceivedPublish) -> PublishVerdict {
        if exceedsReceiveMaximum(publish) {
            excess += 1
            if rules.configuration.enforcesReceiveMaximum { return .refused(fail(.receiveMaximumExceeded)) }  // MQTT 5.0, 3.3.4
        }
        if let refusal = rules.configuration.capabilities.refusal(of: publish.qos, isRetained: publish.isRetained) {
            return .refused(fail(refusal))
        }
        let alias: TopicName?
        do {
            // Without properties, as most are, it says its own name: the codec has seen to that.
            alias = publish.properties.isEmpty ? nil : try aliases.topic(of: publish)
        } catch {
            return .refused(fail(error))
        }
        if rules.configuration.validatesPayloadFormat, !publish.hasDeclaredFormat { return .refused(refuse(publish)) }
        if publish.qos == .atLeastOnce { unconfirmed += 1 }
        return .accepted(alias)
    }

    /// Publications beyond the receive maximum since this was last asked, to be counted.
    mutating func takeExcess() -> UInt64 {
        defer { excess = 0 }
        return excess
    }

    /// Whether the client has more on the way than it was told it may.
    private func exceedsReceiveMaximum(_ publish: borrowing ReceivedPublish) -> Bool {
        publish.qos > .atMostOnce && version == .v5 && unconfirmed >= Int(rules.configuration.receiveMaximum)
            && !publish.isDuplicate
    }

    /// The payload is not the text it is declared to be (MQTT 5.0, 3.3.2.3.2). At QoS 0 only a goodbye can say so.
    private mutating func refuse(_ publish: borrowing ReceivedPublish) -> ConnectionAction {
        guard let identifier = publish.packetIdentifier else { return fail(.payloadFormatInvalid) }
        let refusal = Acknowledgement(identifier, reasonCode: .payloadFormatInvalid)
        return .reply(publish.qos == .atLeastOnce ? .puback(refusal) : .pubrec(refusal))
    }

    /// The broker takes the reception of an exactly-once message on, or has had it before.
    mutating func began(isNew: Bool) {
        if isNew { unconfirmed += 1 }
    }

    /// More exactly-once messages wait for their release than the broker keeps.
    mutating func cannotBegin() -> ConnectionAction {
        fail(.receiveMaximumExceeded, "too many exactly-once messages wait for their release")
    }

    /// A message was refused that may be accepted later, and the client's version of the protocol has no word for that (MQTT 3.1.1,
    /// MQTT-4.8.0-2).
    mutating func cannotAccept() -> ConnectionAction {
        fail(.quotaExceeded, "a message was refused and cannot be acknowledged")
    }

    /// The broker has decided on a publication at QoS 1 or 2.
    /// - Returns: PUBACK or PUBREC with the identifier of the PUBLISH (MQTT-2.2.1-5, MQTT-4.3.2-4, MQTT-4.3.3-8). After PUBACK the
    ///   identifier means a new message (MQTT-4.3.2-5).
    mutating func published(
        _ identifier: PacketIdentifier, at qos: Messaging.QoS, _ outcome: PublishOutcome
    ) -> Reply {
        let code: ReasonCode =
            switch outcome {
            case .accepted(receivers: 0, _) where version == .v5: .noMatchingSubscribers
            case .accepted: .success
            case .refused(let refusal): ReasonCode(refusal)
            }
        // An exactly-once message stays unconfirmed until PUBCOMP, unless PUBREC already ends the exchange.
        if qos == .atLeastOnce || code.isFailure { confirmed() }
        guard code != .success else { return .plain(qos == .atLeastOnce ? .puback : .pubrec, identifier) }
        var acknowledgement = Acknowledgement(identifier, reasonCode: code)
        if explains, case .refused(let refusal) = outcome { acknowledgement.properties = .reason(refusal.reasonString) }
        return .packet(qos == .atLeastOnce ? .puback(acknowledgement) : .pubrec(acknowledgement))
    }

    /// As `published`, for a message at QoS 1 that the broker has taken on.
    /// - Returns: whether its PUBACK says no more than its identifier; else nothing is noted, and `published` is to be asked.
    mutating func acknowledgesPlainly(receivers: Int) -> Bool {
        guard version != .v5 || receivers > 0 else { return false }
        confirmed()
        return true
    }

    /// An exactly-once message was received before and is only confirmed again (MQTT-4.3.3-10).
    func repeated(_ identifier: PacketIdentifier) -> Reply { .plain(.pubrec, identifier) }

    /// PUBREL was carried out.
    /// - Returns: PUBCOMP (MQTT-4.3.3-11). From here on the identifier means a new message (MQTT-4.3.3-12).
    mutating func released(_ identifier: PacketIdentifier, wasKnown: Bool) -> Reply {
        guard wasKnown else {
            return .packet(.pubcomp(Acknowledgement(identifier, reasonCode: .packetIdentifierNotFound)))
        }
        confirmed()
        return .plain(.pubcomp, identifier)
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
    func settled(_ identifier: PacketIdentifier, _ settlement: Settlement, wasKnown: Bool) -> Reply? {
        guard settlement == .received else { return nil }
        // An unknown identifier is answered all the same, so that the client can forget it (MQTT 5.0, 4.3.3).
        return wasKnown
            ? .plain(.pubrel, identifier)
            : .packet(.pubrel(Acknowledgement(identifier, reasonCode: .packetIdentifierNotFound)))
    }
}

// MARK: - Subscribing

extension ConnectionMachine {
    /// What to do instead of what a client that is in (`state` is `open`) asks for; nil when it is in order.
    ///
    /// From 5.0 on the client was told what is not available (MQTT 5.0, 3.2.2.3.11 to 3.2.2.3.13). Older ones learn it filter by
    /// filter, from the answer.
    mutating func judge(_ request: borrowing FilterRequest, _ filters: [ReceivedFilter]) -> ConnectionAction? {
        let capabilities = rules.configuration.capabilities
        guard request.type == .subscribe, version == .v5, capabilities != Capabilities() else { return nil }
        if !capabilities.subscriptionIdentifiers, request.properties.subscriptionIdentifier != nil {
            return fail(.subscriptionIdentifiersNotSupported)
        }
        for filter in filters {
            guard let filter = try? TopicFilter(checked: filter.text) else { continue }
            if let refusal = capabilities.refusal(of: filter) { return fail(refusal) }
        }
        return nil
    }
}

/// What the machine says of a PUBLISH.
enum PublishVerdict {
    /// It goes to the broker, under the name its alias stands for or else its own; answer with `ConnectionMachine.published` once the broker
    /// has decided.
    case accepted(TopicName?)
    /// What to do instead; stands elsewhere, as it is rare and large.
    indirect case refused(ConnectionAction)
}

extension ReceivedPublish {
    /// False when the payload is declared to be text and is none (MQTT 5.0, 3.3.2.3.2).
    fileprivate var hasDeclaredFormat: Bool { properties.payloadFormatIndicator != true || payload.isUTF8 }
}

extension ByteBuffer {
    var isUTF8: Bool { withUnsafeReadableBytes(\.isUTF8) }
}

extension UnsafeRawBufferPointer {
    fileprivate var isUTF8: Bool { (try? UTF8Span(validating: assumingMemoryBound(to: UInt8.self).span)) != nil }
}
