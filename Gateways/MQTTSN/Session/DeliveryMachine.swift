import Messaging
import NIOCore

/// Delivers to one client, one message at a time (MQTT-SN 6.10, 6.13).
///
/// ```
///            topic unknown              REGACK 00
///   ┌──────┐ REGISTER ▶ ┌─────────────┐ PUBLISH ▶ ┌────────────┐ PUBREC  ┌───────────┐
///   │ idle │───────────▶│ registering │──────────▶│ publishing │────────▶│ releasing │
///   └──────┘            └─────────────┘           └────────────┘ PUBREL ▶└───────────┘
///      ▲  topic known: PUBLISH ▶  (QoS 0: stays idle) ▲ │ PUBACK 02: back to registering
///      └──────────── REGACK ≠ 00, PUBACK, PUBCOMP ──────┘
/// ```
/// What is unanswered is repeated by `RetryPolicy`, a PUBLISH with DUP. While the client sleeps the machine stands
/// still (`suspend`) and takes up the very stage it was in when the client wakes (`resume`).
struct DeliveryMachine {
    private enum Stage {
        case idle
        case registering(Outgoing, topicID: UInt16, messageID: UInt16)
        case publishing(Outgoing, TopicID)
        case releasing(packetID: UInt16)
    }

    private let policy: RetryPolicy
    private let maximumPacketSize: Int
    private var stage = Stage.idle
    /// Nil while idle or suspended.
    private var timer: RetryTimer?
    /// The client has already forgotten the topic id of this very delivery once: a second time ends it, lest both sides
    /// go round in circles.
    private var hasRegisteredAgain = false
    /// Ids whose REGISTER the client refused: they are not offered again on this connection (MQTT-SN 6.10).
    private var refusedTopicIDs: Set<UInt16> = []
    private var lastMessageID: UInt16 = 0

    init(policy: RetryPolicy, maximumPacketSize: Int) {
        self.policy = policy
        self.maximumPacketSize = maximumPacketSize
    }

    var isIdle: Bool {
        if case .idle = stage { true } else { false }
    }

    var deadline: Timestamp? { timer?.deadline }

    // MARK: Deliveries in

    mutating func deliver(
        _ outgoing: Outgoing, as naming: TopicNaming, now: Timestamp, into actions: inout [Action]
    ) {
        precondition(isIdle, "the next delivery is taken when this one is over")
        hasRegisteredAgain = false
        if outgoing.delivery.step == .release {
            release(outgoing.delivery.packetID, now: now, into: &actions)
            return
        }
        switch naming {
        case .known(let topicID): publish(outgoing, topicID, now: now, into: &actions)
        case .unknown(let id): register(outgoing, id, now: now, into: &actions)
        case .unavailable: actions.append(.discard(outgoing, .noTopicID))
        }
    }

    /// The client asked for an id of its own accord: an earlier refusal of it is void.
    mutating func noteClientKnows(_ topicID: UInt16) {
        refusedTopicIDs.remove(topicID)
    }

    // MARK: Answers of the client

    mutating func receive(regack: Packet.Acknowledgement, now: Timestamp, into actions: inout [Action]) {
        guard case .registering(let outgoing, let topicID, let messageID) = stage, regack.messageID == messageID else {
            return
        }
        switch regack.returnCode {
        case .accepted:
            guard regack.topicID == topicID else { return }
            actions.append(.setKnown(topicID: topicID, true))
            publish(outgoing, .normal(topicID), now: now, into: &actions)
        case .congestion:
            return  // The client is busy: the timer asks again.
        default:
            refusedTopicIDs.insert(topicID)
            finish(.discard(outgoing, .noTopicID), into: &actions)
        }
    }

    /// The MsgId is the key: some clients fill in another topic id.
    mutating func receive(puback: Packet.Acknowledgement, now: Timestamp, into actions: inout [Action]) {
        guard case .publishing(let outgoing, let topicID) = stage, puback.messageID == outgoing.delivery.packetID else {
            if puback.returnCode == .invalidTopicID {
                // The answer to a PUBLISH of QoS 0: the next one is preceded by a REGISTER (MQTT-SN 6.10).
                actions.append(.setKnown(topicID: puback.topicID, false))
            }
            return
        }
        switch puback.returnCode {
        case .accepted:
            guard outgoing.delivery.qos == .atLeastOnce else { return }
            finish(.settle(packetID: puback.messageID, .acknowledged), into: &actions)
        case .congestion:
            return
        case .invalidTopicID:
            registerAgain(outgoing, topicID, now: now, into: &actions)
        default:
            finish(.settle(packetID: puback.messageID, .refused), into: &actions)
        }
    }

    mutating func receive(pubrec messageID: UInt16, now: Timestamp, into actions: inout [Action]) {
        switch stage {
        case .publishing(let outgoing, _)
        where outgoing.delivery.packetID == messageID && outgoing.delivery.qos == .exactlyOnce:
            actions.append(.settle(packetID: messageID, .received))
            release(messageID, now: now, into: &actions)
        default:
            // A repeated PUBREC, or one for a delivery that is over: the client waits for its PUBREL.
            actions.append(.send(.pubrel(messageID: messageID)))
        }
    }

    mutating func receive(pubcomp messageID: UInt16, into actions: inout [Action]) {
        guard case .releasing(messageID) = stage else { return }
        finish(.settle(packetID: messageID, .completed), into: &actions)
    }

    // MARK: Time and sleep

    /// - Returns: false when the client has left the last repetition unanswered.
    mutating func fireTimer(now: Timestamp, into actions: inout [Action]) -> Bool {
        switch timer?.fire(policy, now: now) {
        case nil, .notDue: return true
        case .exhausted: return false
        case .sendAgain:
            sendAgain(into: &actions)
            return true
        }
    }

    mutating func suspend() {
        timer = nil
    }

    mutating func resume(now: Timestamp, into actions: inout [Action]) {
        guard !isIdle else { return }
        timer = RetryTimer(policy, now: now)
        sendAgain(into: &actions)
    }

    /// The connection ends. What is at QoS 1 or 2 stays with the session; what is at QoS 0 has no second chance.
    mutating func end(into actions: inout [Action]) {
        if case .registering(let outgoing, _, _) = stage, outgoing.delivery.qos == .atMostOnce {
            actions.append(.discard(outgoing, .offlineQoS0))
        }
        stage = .idle
        timer = nil
    }

    // MARK: Steps

    private mutating func register(
        _ outgoing: Outgoing, _ id: UInt16, now: Timestamp, into actions: inout [Action]
    ) {
        guard !refusedTopicIDs.contains(id) else {
            finish(.discard(outgoing, .noTopicID), into: &actions)
            return
        }
        lastMessageID = lastMessageID == .max ? 1 : lastMessageID + 1
        stage = .registering(outgoing, topicID: id, messageID: lastMessageID)
        guard let packet, packet.encodedLength <= maximumPacketSize else {
            finish(.discard(outgoing, .tooLargeForReceiver), into: &actions)
            return
        }
        timer = RetryTimer(policy, now: now)
        actions.append(.send(packet))
    }

    /// MQTT-SN 6.10: told that a topic id is invalid, register it anew and send the message again.
    private mutating func registerAgain(
        _ outgoing: Outgoing, _ topicID: TopicID, now: Timestamp, into actions: inout [Action]
    ) {
        if topicID.type == .normal { actions.append(.setKnown(topicID: topicID.value, false)) }
        guard topicID.type == .normal, !hasRegisteredAgain else {
            // What both sides should know beforehand, or forget at once, no REGISTER can cure.
            finish(.discard(outgoing, .noTopicID), into: &actions)
            return
        }
        hasRegisteredAgain = true
        register(outgoing, topicID.value, now: now, into: &actions)
    }

    private mutating func publish(
        _ outgoing: Outgoing, _ topicID: TopicID, now: Timestamp, into actions: inout [Action]
    ) {
        stage = .publishing(outgoing, topicID)
        guard let packet, packet.encodedLength <= maximumPacketSize else {
            finish(.discard(outgoing, .tooLargeForReceiver), into: &actions)
            return
        }
        actions.append(.send(packet))
        if outgoing.delivery.qos == .atMostOnce {
            stage = .idle
            timer = nil
        } else {
            timer = RetryTimer(policy, now: now)
        }
    }

    private mutating func release(_ packetID: UInt16, now: Timestamp, into actions: inout [Action]) {
        stage = .releasing(packetID: packetID)
        timer = RetryTimer(policy, now: now)
        actions.append(.send(.pubrel(messageID: packetID)))
    }

    private mutating func finish(_ action: Action, into actions: inout [Action]) {
        actions.append(action)
        stage = .idle
        timer = nil
    }

    private func sendAgain(into actions: inout [Action]) {
        guard var packet else { return }
        if case .publish(var publish) = packet {
            publish.isDuplicate = true  // MQTT-SN 6.13
            packet = .publish(publish)
        }
        actions.append(.send(packet))
    }

    /// What the current stage says to the client.
    private var packet: Packet? {
        switch stage {
        case .idle: nil
        case .registering(let outgoing, let topicID, let messageID):
            .register(
                Packet.Register(
                    topicID: topicID, messageID: messageID, topicName: outgoing.delivery.message.topic.string))
        case .publishing(let outgoing, let topicID): .publish(Packet.Publish(outgoing.delivery, topicID))
        case .releasing(let packetID): .pubrel(messageID: packetID)
        }
    }
}

extension Packet.Publish {
    fileprivate init(_ delivery: Delivery, _ topicID: TopicID) {
        self.init(
            isDuplicate: delivery.isDuplicate, qos: PublishQoS(delivery.qos), retain: delivery.retain, topicID: topicID,
            messageID: delivery.packetID, payload: ByteBuffer(bytes: delivery.message.payload))
    }
}

extension PublishQoS {
    init(_ qos: QoS) {
        switch qos {
        case .atMostOnce: self = .atMostOnce
        case .atLeastOnce: self = .atLeastOnce
        case .exactlyOnce: self = .exactlyOnce
        }
    }

    /// Nil for QoS -1, which no session has.
    var qos: QoS? {
        switch self {
        case .atMostOnce: .atMostOnce
        case .atLeastOnce: .atLeastOnce
        case .exactlyOnce: .exactlyOnce
        case .connectionless: nil
        }
    }
}
