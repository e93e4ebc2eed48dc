import Messaging
import NIOCore

/// What the client asks of the core: names, publications, subscriptions, its will.
extension Device {
    // MARK: REGISTER

    /// MQTT-SN 6.5: a name has one id as long as the session lives, however often it is registered and also after a crash.
    func answer(_ register: Packet.Register) {
        let (topicID, returnCode) = topicID(forName: register.topicName)
        let regack = Packet.Acknowledgement(topicID: topicID, messageID: register.messageID, returnCode: returnCode)
        reply(.regack(regack), after: attachment?.recorded ?? .none)
    }

    /// A refusal in the client's version: 1.2 has three return codes, 2.0 says what it is.
    private func code(_ old: ReturnCode, _ draft: ReturnCode) -> ReturnCode { version == .v20 ? draft : old }

    private func topicID(forName name: String) -> (UInt16, ReturnCode) {
        guard let topic = try? TopicName(name) else { return (0, code(.notSupported, .invalidTopicName)) }
        guard let registry = attachment?.topicIDs, let id = registry.register(topic) else {
            noteExhaustedTopicIDs()
            return (0, code(.congestion, .quotaExceeded))
        }
        registry.setKnownToClient(id, true)
        noteClientKnows(id)
        return (id, .accepted)
    }

    // MARK: PUBLISH

    func answer(_ publish: Packet.Publish) {
        guard publish.qos != .connectionless || loop.settings.allowsConnectionlessPublish else {
            return loop.counters.connectionlessRefused.add()
        }
        guard let attachment else { return }
        switch topic(of: publish, attachment.topicIDs) {
        case .failure(let returnCode): refuse(publish, returnCode)
        case .success(let topic):
            if publish.qos == .exactlyOnce, !isNew(publish, attachment) { return }
            forward(publish, under: topic, attachment)
        }
    }

    /// What was accepted before is only acknowledged again, once it is stored.
    func acknowledgeAgain(_ publish: Packet.Publish) {
        guard publish.qos == .exactlyOnce else { return replyAgain(.puback(publish.acknowledgement(.accepted))) }
        reply(.pubrec(messageID: publish.messageID), after: attachment?.recorded ?? .none)
    }

    private func forward(_ publish: Packet.Publish, under topic: TopicName, _ attachment: any Attachment) {
        let message = Message(
            topic: topic, payload: Array(publish.payload.readableBytesView), qos: publish.qos.qos ?? .atMostOnce,
            retain: publish.retain, publishedAt: loop.now, publisher: clientID)
        var outcomes: [PublishOutcome] = []
        attachment.publish([message], outcomes: &outcomes)
        guard case .accepted(_, let commit) = outcomes.first else {
            if publish.qos == .exactlyOnce { _ = attachment.endReceiving(packetID: publish.messageID) }
            if case .refused(let refusal) = outcomes.first {
                refuse(publish, code(ReturnCode(refusal), ReturnCode(draft: refusal)))
            }
            return
        }
        switch publish.qos {
        case .atMostOnce, .connectionless: break
        case .atLeastOnce:
            machine.accepted(publish, now: loop.now)
            reply(.puback(publish.acknowledgement(.accepted)), after: commit)
        case .exactlyOnce:
            machine.accepted(publish, now: loop.now)
            reply(.pubrec(messageID: publish.messageID), after: commit)
        }
    }

    /// MQTT-SN 6.13: a PUBLISH of QoS 2 that comes again is confirmed, not published again. MsgId 0 names no message.
    private func isNew(_ publish: Packet.Publish, _ attachment: any Attachment) -> Bool {
        guard publish.messageID != 0 else {
            refuse(publish, .notSupported)
            return false
        }
        switch attachment.beginReceiving(packetID: publish.messageID) {
        case true: return true
        case false:
            reply(.pubrec(messageID: publish.messageID), after: attachment.recorded)
            return false
        case nil:
            refuse(publish, .congestion)
            return false
        }
    }

    /// MQTT-SN 5.4.13: PUBACK is also the refusal at every other QoS; QoS -1 is never answered.
    private func refuse(_ publish: Packet.Publish, _ returnCode: ReturnCode) {
        if publish.qos == .connectionless {
            loop.counters.connectionlessRefused.add()
        } else if version == .v12 {
            replyAgain(.puback(publish.acknowledgement(returnCode)))
        } else if publish.qos == .exactlyOnce {
            replyAgain(.pubrecDraft(messageID: publish.messageID, reason: returnCode.inDraft))
        } else if publish.qos == .atLeastOnce {
            replyAgain(.pubackDraft(messageID: publish.messageID, reason: returnCode.inDraft))
        } else {
            loop.counters.packetsUnexpected.add()  // 2.0 has no answer to a message without identifier.
        }
    }

    private func topic(of publish: Packet.Publish, _ registry: any TopicIDRegistry) -> Result<TopicName, ReturnCode> {
        if let name = publish.topicName {
            guard let topic = try? TopicName(name) else { return .failure(.invalidTopicName) }
            return .success(topic)
        }
        let known: TopicName? =
            switch publish.topicID.type {
            case .normal: registry.topic(of: publish.topicID.value)
            case .predefined: loop.predefinedTopics.topic(of: publish.topicID.value, for: clientID)
            case .short: try? TopicName(shortTopicID: publish.topicID.value)
            case .reserved: nil
            }
        if let known { return .success(known) }
        return .failure(publish.topicID.type == .reserved ? .notSupported : .invalidTopicID)
    }

    // MARK: SUBSCRIBE, UNSUBSCRIBE

    func answer(_ subscribe: Packet.Subscribe, isRepetition: Bool) {
        guard let attachment else { return }
        var suback = Packet.Suback(
            qos: .atMostOnce, topicID: 0, messageID: subscribe.messageID, returnCode: .notSupported)
        let target = Target(subscribe.topic, loop.predefinedTopics, clientID, attachment.topicIDs)
        suback.topicID = target.topicID?.value ?? 0
        suback.isPredefined = target.topicID?.type == .predefined
        guard let filter = target.filter, let qos = subscribe.qos.qos else {
            suback.returnCode = target.filter == nil ? target.refusal : .notSupported
            if version == .v20, suback.returnCode == .notSupported { suback.returnCode = .invalidFilter }
            return replyAgain(.suback(suback))
        }
        // A plain name gets its normal id with the SUBACK; a filter has none (MQTT-SN 6.9).
        if target.topicID == nil, let name = filter.topicName {
            let (id, returnCode) = topicID(forName: name.string)
            guard returnCode == .accepted else {
                suback.returnCode = returnCode
                return replyAgain(.suback(suback))
            }
            suback.topicID = id
        }
        let options = subscribe.options ?? Packet.SubscribeOptions()
        let retainHandling = Subscription.RetainHandling(rawValue: options.retainHandling) ?? .send
        let (outcomes, commit) = attachment.subscribe([
            Subscription(
                filter: filter, qos: qos, noLocal: options.noLocal, retainAsPublished: options.retainAsPublished,
                retainHandling: isRepetition && retainHandling == .send ? .sendIfNew : retainHandling,
                identifier: target.topicID.map(SubscriptionForm.identifier) ?? SubscriptionForm.byName)
        ])
        switch outcomes.first {
        case .granted(let granted):
            suback.qos = PublishQoS(granted)
            suback.returnCode = .accepted
        case .refused(let refusal): suback.returnCode = code(ReturnCode(refusal), ReturnCode(draft: refusal))
        case nil: suback.returnCode = .congestion
        }
        reply(.suback(suback), after: max(commit, attachment.recorded))
    }

    /// UNSUBACK has no return code: the client is done waiting either way (MQTT-SN 5.4.18).
    func answer(_ unsubscribe: Packet.Unsubscribe) {
        guard let attachment else { return }
        let target = Target(unsubscribe.topic, loop.predefinedTopics, clientID, attachment.topicIDs)
        guard let filter = target.filter else {
            return reply(unsuback(unsubscribe.messageID, target.refusal), after: .none)
        }
        let (outcomes, commit) = attachment.unsubscribe([filter])
        let reason: ReturnCode =
            switch outcomes.first {
            case .removed: .accepted
            case .notSubscribed, nil: .noSubscription
            case .refused(.notAuthorized): .notAuthorized
            case .refused(.detached): .draftCongestion
            }
        reply(unsuback(unsubscribe.messageID, reason), after: commit)
    }

    private func unsuback(_ messageID: UInt16, _ reason: ReturnCode) -> Packet {
        guard version == .v20 else { return .unsuback(messageID: messageID) }
        return .unsubackDraft(messageID: messageID, reason: reason.inDraft)
    }

    // MARK: Will

    /// MQTT-SN 6.4: an empty WILLTOPICUPD deletes topic and message.
    func updateWill(_ topic: Packet.WillTopic?) {
        guard let attachment else { return }
        guard let topic else {
            attachment.updateWill(nil)
            return replyAgain(.willTopicResponse(.accepted))
        }
        guard let name = try? TopicName(topic.topicName), let qos = topic.qos.qos else {
            return replyAgain(.willTopicResponse(.notSupported))
        }
        attachment.updateWill(
            Will(topic: name, payload: attachment.will?.payload ?? [], qos: qos, retain: topic.retain))
        replyAgain(.willTopicResponse(.accepted))
    }

    func updateWill(_ payload: ByteBuffer) {
        guard let attachment else { return }
        guard let will = attachment.will else { return replyAgain(.willMessageResponse(.notSupported)) }
        attachment.updateWill(
            Will(
                topic: will.topic, payload: Array(payload.readableBytesView), qos: will.qos, retain: will.retain,
                delay: will.delay, messageExpiry: will.messageExpiry, properties: will.properties))
        replyAgain(.willMessageResponse(.accepted))
    }
}

/// What SUBSCRIBE or UNSUBSCRIBE is about.
private struct Target {
    /// Nil when the request cannot be granted, with `refusal` saying why.
    var filter: TopicFilter?
    /// The id the client named it by; nil for a name or filter.
    var topicID: TopicID?
    var refusal = ReturnCode.notSupported

    init(
        _ topic: Packet.Topic, _ predefined: PredefinedTopicTable, _ clientID: ClientID, _ registry: any TopicIDRegistry
    ) {
        switch topic {
        case .name(let name):
            filter = try? TopicFilter(name)
        case .predefined(let id):
            topicID = .predefined(id)
            filter = predefined.topic(of: id, for: clientID).map { TopicFilter($0) }
            refusal = .invalidTopicID
        case .short(let value):
            topicID = .short(value)
            filter = (try? TopicName(shortTopicID: value)).map { TopicFilter($0) }
            refusal = .invalidTopicID
        case .alias(let alias):
            topicID = .normal(alias)
            filter = registry.topic(of: alias).map { TopicFilter($0) }
            refusal = .invalidTopicID
        case .reserved:
            break
        }
    }
}

extension ReturnCode: Error {
    init(draft refusal: PublishRefusal) {
        switch refusal {
        case .quotaExceeded, .receiverFull: self = .quotaExceeded
        case .detached: self = .draftCongestion
        case .notAuthorized: self = .notAuthorized
        case .topicNotAllowed: self = .invalidTopicName
        case .tooLarge: self = .packetTooLarge
        }
    }

    init(draft refusal: SubscribeRefusal) {
        switch refusal {
        case .quotaExceeded: self = .quotaExceeded
        case .detached: self = .draftCongestion
        case .notAuthorized: self = .notAuthorized
        case .filterTooDeep: self = .invalidFilter
        case .noLocalOnShared: self = .protocolError
        }
    }
}

extension Packet.Publish {
    func acknowledgement(_ returnCode: ReturnCode) -> Packet.Acknowledgement {
        Packet.Acknowledgement(topicID: topicID.value, messageID: messageID, returnCode: returnCode)
    }
}
