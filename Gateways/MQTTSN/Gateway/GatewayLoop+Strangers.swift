import Logging
import Messaging
import NIOCore
import Transport

/// Peers without connection: requests out of place, discovery, QoS -1, and what cannot be read.
extension GatewayLoop {
    /// MQTT-SN 6.2: who is not connected is told so, and never more often than it helps. Answers to answers would let two
    /// gateways talk for ever, so only requests are answered.
    func answerStranger(_ packet: Packet, _ route: Route, _ version: ProtocolVersion) {
        counters.packetsFromUnknown.add()
        let isRequest =
            switch packet {
            case .register, .publish, .pubrel, .subscribe, .unsubscribe, .pingreq, .willTopicUpdate, .willMessageUpdate,
                .pubrelDraft, .subscribeDraft, .unsubscribeDraft, .pingreqDraft, .sleepRequest:
                true
            case .publishDraft(let publish): publish.qos != .atMostOnce
            case .disconnect: departed.contains(route.peer, now: now)
            default: false
            }
        guard isRequest else { return }
        guard strangers.allows(route.peer, now: now) else { return counters.repliesThrottled.add() }
        switch version {
        case .v12: send(.disconnect(duration: nil), to: route)
        case .v20:
            send(.disconnectDraft(Packet.DisconnectDraft(reason: .noVirtualConnection)), to: route, version: .v20)
        }
    }

    /// MQTT-SN 6.1. The answer is no larger than the question, which may come from a forged address. GWINFO of 2.0 has three octets and
    /// the shortest SEARCHGW two: that one is answered where both are at home, in the group, or not at all where there is none.
    func answerSearch(of octets: Int, by route: Route, _ version: ProtocolVersion) {
        guard searchers.allows(route.peer, now: now) else { return counters.repliesThrottled.add() }
        let answer = Packet.gatewayInfo(Packet.GatewayInfo(gatewayID: settings.gatewayID))
        if answer.encodedLength(in: version) <= octets { return send(answer, to: route, version: version) }
        guard let searchGroup else { return counters.answersWithheld.add() }
        send(answer, to: Route(peer: PeerAddress(remote: searchGroup, nodeID: nil), local: nil), version: version)
    }

    /// QoS -1 (MQTT-SN 6.8): predefined ids and short names only, never answered.
    func publishConnectionless(_ publish: Packet.Publish, from peer: PeerAddress) {
        let topic: TopicName? =
            switch publish.topicID.type {
            case .predefined: broker.predefinedTopics.topic(of: publish.topicID.value)
            case .short: try? TopicName(shortTopicID: publish.topicID.value)
            case .normal, .reserved: nil
            }
        publishConnectionless(topic, publish.payload, retain: publish.retain, from: peer)
    }

    /// PUBWOS of 2.0: predefined ids and names, never answered.
    func publishWithoutSession(_ publish: Packet.PublishDraft, from peer: PeerAddress) {
        let topic: TopicName? =
            switch publish.topic {
            case .predefined(let id): broker.predefinedTopics.topic(of: id)
            case .name(let name): try? TopicName(name)
            case .alias, .reserved: nil
            }
        publishConnectionless(topic, publish.payload, retain: publish.retain, from: peer)
    }

    private func publishConnectionless(_ topic: TopicName?, _ payload: ByteBuffer, retain: Bool, from peer: PeerAddress)
    {
        guard settings.allowsConnectionlessPublish, let topic else { return counters.connectionlessRefused.add() }
        let message = Message(
            topic: topic, payload: Array(payload.readableBytesView), qos: .atMostOnce, retain: retain, publishedAt: now)
        if peer.association?.identity == .nameless { return counters.connectionlessRefused.add() }
        if let principal = peer.association?.principal(for: nil) {
            return self.publish(message, as: .success(principal), via: peer.listener)
        }
        broker.authenticate(Credentials(clientID: nil, peer: peer.record)) { [notes] result in
            notes.add(.authenticated(result, message, listener: peer.listener))
        }
    }

    func publish(_ message: Message, as result: Result<Principal, ConnectRefusal>, via listener: String) {
        guard case .success(let principal) = result else { return counters.connectionlessRefused.add() }
        var outcomes: [PublishOutcome] = []
        broker.publish([message], as: principal, via: listener, outcomes: &outcomes)
        guard case .accepted = outcomes.first else { return counters.connectionlessRefused.add() }
        counters.connectionlessPublished.add()
    }

    // MARK: Malformed

    /// Dropped and counted; the standard has an answer only for what is a request but cannot be read as text, and for
    /// another protocol version. A stranger never gets an answer larger than what it sent.
    func refuse(_ error: DecodeError, octets: Int, _ route: Route, _ version: ProtocolVersion) {
        counters.datagramsMalformed.add()
        logger.log(.debug, "malformed datagram dropped", [.peer: route.peer.record.address, .error: "\(error)"])
        guard version == .v12, let answer = error.answer else { return }
        if device(at: route.peer)?.attachment == nil {
            guard answer.encodedLength <= octets else { return counters.answersWithheld.add() }
            guard strangers.allows(route.peer, now: now) else { return counters.repliesThrottled.add() }
        }
        send(answer, to: route)
    }
}

extension DecodeError {
    fileprivate var answer: Packet? {
        switch self {
        case .unsupportedProtocol, .invalidText(.connect, _): .connack(.notSupported)
        case .invalidText(.register, let messageID):
            .regack(Packet.Acknowledgement(topicID: 0, messageID: messageID, returnCode: .notSupported))
        case .invalidText(.subscribe, let messageID):
            .suback(Packet.Suback(qos: .atMostOnce, topicID: 0, messageID: messageID, returnCode: .notSupported))
        case .invalidText(.unsubscribe, let messageID): .unsuback(messageID: messageID)
        case .invalidText(.willTopicUpdate, _): .willTopicResponse(.notSupported)
        default: nil
        }
    }
}
