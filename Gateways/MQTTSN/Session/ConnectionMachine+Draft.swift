import Messaging
import NIOCore

/// The messages of 2.0, said in the words of 1.2 where those have the same meaning.
extension ConnectionMachine {
    mutating func receiveDraft(_ packet: Packet, now: Timestamp, into actions: inout [Action]) {
        switch packet {
        case .register(let register): actions.append(.register(register))
        case .publishDraft(let publish), .publishWithoutSession(let publish):
            guard publish.qos != .connectionless else { return actions.append(.reject(.protocolError)) }
            receive(Packet.Publish(publish), now: now, into: &actions)
        case .pubrelDraft(let messageID, _): actions.append(.release(messageID: messageID))
        case .subscribeDraft(let subscribe): receive(subscribe, into: &actions)
        case .unsubscribeDraft(let unsubscribe):
            actions.append(
                .unsubscribe(
                    Packet.Unsubscribe(messageID: unsubscribe.messageID, topic: Packet.Topic(unsubscribe.topic))))
        case .pubackDraft, .pubrecDraft, .pubcompDraft: receiveDraftAnswer(packet, now: now, into: &actions)
        case .pingreqDraft(let messageID): receiveDraftPing(messageID, now: now, into: &actions)
        case .sleepRequest(let request): receive(request, now: now, into: &actions)
        case .wakeUp: returnToActive(now: now, into: &actions)
        case .disconnectDraft(let disconnect):
            draft?.expiry = disconnect.sessionExpiry.map {
                SessionExpiryChange(DraftTerms.expiry(of: $0, limit: policy.sessionExpiry))
            }
            end(disconnect.reason == .disconnectWithWill ? .goodbyeWithWill : .goodbye, into: &actions)
        case .auth(let auth): actions.append(.authenticate(auth))
        case .pingrespDraft: break
        default: actions.append(.ignore)
        }
    }

    private mutating func receive(_ subscribe: Packet.SubscribeDraft, into actions: inout [Action]) {
        guard subscribe.qos != .connectionless, subscribe.retainHandling < 3 else {
            return actions.append(.reject(.protocolError))
        }
        let isRepetition = subscribe.messageID == lastSubscribeID
        lastSubscribeID = subscribe.messageID
        let options = Packet.SubscribeOptions(
            noLocal: subscribe.noLocal, retainAsPublished: subscribe.retainAsPublished,
            retainHandling: subscribe.retainHandling)
        actions.append(
            .subscribe(
                Packet.Subscribe(
                    qos: subscribe.qos, messageID: subscribe.messageID, topic: Packet.Topic(subscribe.topic),
                    options: options), isRepetition: isRepetition))
    }

    private mutating func receiveDraftAnswer(_ packet: Packet, now: Timestamp, into actions: inout [Action]) {
        switch packet {
        case .pubackDraft(let messageID, let reason):
            receiveReason(reason, messageID, now: now, into: &actions)
        case .pubrecDraft(let messageID, let reason) where reason.isFailure:
            receiveReason(reason, messageID, now: now, into: &actions)
        case .pubrecDraft(let messageID, _): delivery.receive(pubrec: messageID, now: now, into: &actions)
        case .pubcompDraft(let messageID, _): delivery.receive(pubcomp: messageID, into: &actions)
        default: preconditionFailure("only the three answers come here")
        }
        if phase == .asleep { delivery.suspend(into: &actions) }
    }

    private mutating func receiveReason(
        _ reason: ReturnCode, _ messageID: UInt16, now: Timestamp, into actions: inout [Action]
    ) {
        let answer = Packet.Acknowledgement(topicID: 0, messageID: messageID, returnCode: reason.asReturnCode)
        delivery.receive(puback: answer, now: now, into: &actions)
    }

    /// Of a sleeper: it is awake for its messages. PINGRESP says which question it answers.
    private mutating func receiveDraftPing(_ messageID: UInt16, now: Timestamp, into actions: inout [Action]) {
        draft?.pingID = messageID
        receivePing(phase == .asleep ? connect.clientID : nil, now: now, into: &actions)
    }

    private mutating func receive(_ request: Packet.SleepRequest, now: Timestamp, into actions: inout [Action]) {
        guard request.duration > 0 else { return actions.append(.reject(.protocolError)) }
        let granted = UInt16(clamping: min(request.duration, UInt32(policy.maximumSleep)))
        sleepDuration = granted
        if !request.keepsAliases { actions.append(.forgetAliases) }
        fallAsleep(now: now, into: &actions)
        actions.append(
            .sendWhenAsleep(
                .sleepResponse(
                    Packet.SleepResponse(
                        messageID: request.messageID,
                        duration: UInt32(granted) == request.duration ? nil : UInt32(granted),
                        reason: .accepted))))
    }

    /// A sleeper that stays: its messages come as they do to everybody.
    private mutating func returnToActive(now: Timestamp, into actions: inout [Action]) {
        guard phase == .asleep || phase == .awake else { return }
        let wasAsleep = phase == .asleep
        phase = .active
        forgetWake()
        actions.append(.supervise(.awake, silence: policy.tolerance.allowedSilence(seconds: connect.duration)))
        if wasAsleep { delivery.resume(now: now, into: &actions) }
    }
}

extension Packet.Publish {
    fileprivate init(_ publish: Packet.PublishDraft) {
        self.init(
            isDuplicate: publish.isDuplicate, qos: publish.qos, retain: publish.retain, topicID: .normal(0),
            messageID: publish.messageID, payload: publish.payload)
        switch publish.topic {
        case .alias(let alias): topicID = .normal(alias)
        case .predefined(let id): topicID = .predefined(id)
        case .name(let name): topicName = name
        case .reserved: topicID = TopicID(type: .reserved, value: 0)
        }
    }
}

extension Packet.Topic {
    fileprivate init(_ reference: Packet.TopicReference) {
        switch reference {
        case .alias(let alias): self = .alias(alias)
        case .predefined(let id): self = .predefined(id)
        case .name(let name): self = .name(name)
        case .reserved: self = .reserved
        }
    }
}

extension ReturnCode {
    /// A reason code of 2.0 from 80 on says that something failed.
    var isFailure: Bool { rawValue >= 0x80 }

    /// A reason code of 2.0 in the words of 1.2.
    fileprivate var asReturnCode: ReturnCode {
        switch self {
        case .unknownAlias: .invalidTopicID
        case .draftCongestion, .quotaExceeded: .congestion
        default: isFailure ? .notSupported : .accepted
        }
    }
}
