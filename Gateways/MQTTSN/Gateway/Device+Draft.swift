import Messaging
import NIOCore

/// How a client of 2.0 is told what the machine says in the words of 1.2.
extension Device {
    var version: ProtocolVersion { machine.policy.version }

    /// Sends in the client's version.
    func send(_ packet: Packet) {
        guard version == .v20 else { return loop.send(packet, to: route) }
        loop.send(inDraft(packet), to: route, version: .v20)
    }

    /// The goodbye of the gateway's side; 1.2 has no word for the reason.
    func sendGoodbye(_ reason: CloseReason) {
        guard version == .v20 else { return send(.disconnect(duration: nil)) }
        let code: ReturnCode =
            switch reason {
            case .takenOver: .takenOver
            case .silence: .keepAliveTimeout
            case .administrative: .administrative
            case .shutdown: .shuttingDown
            }
        send(.disconnectDraft(Packet.DisconnectDraft(reason: code)))
    }

    private func inDraft(_ packet: Packet) -> Packet {
        switch packet {
        case .connack(let code): return .connackDraft(connack(code.inDraft))
        case .regack(var regack):
            regack.returnCode = regack.returnCode.inDraft
            return .regack(regack)
        case .puback(let puback): return .pubackDraft(messageID: puback.messageID, reason: puback.returnCode.inDraft)
        case .pubrec(let messageID): return .pubrecDraft(messageID: messageID, reason: .accepted)
        case .pubrel(let messageID): return .pubrelDraft(messageID: messageID, reason: .accepted)
        case .pubcomp(let messageID): return .pubcompDraft(messageID: messageID, reason: .accepted)
        case .suback(let suback): return .subackDraft(Packet.SubackDraft(suback))
        case .unsuback(let messageID): return .unsubackDraft(messageID: messageID, reason: .accepted)
        case .pingresp: return .pingrespDraft(messageID: machine.draft?.pingID ?? 0, remaining: remaining)
        case .disconnect: return .disconnectDraft(Packet.DisconnectDraft())
        default: return packet
        }
    }

    /// What waits for the next waking; nil while the client is active.
    private var remaining: UInt8? {
        guard machine.phase != .active, let attachment else { return nil }
        return UInt8(clamping: attachment.backlog)
    }

    private func connack(_ reason: ReturnCode) -> Packet.ConnackDraft {
        var connack = Packet.ConnackDraft(messageID: machine.draft?.connect.messageID ?? 0, reason: reason)
        guard reason == .accepted, let draft = machine.draft else { return connack }
        connack.sessionPresent = draft.isSessionPresent
        connack.sessionExpiry = draft.grantedExpiry
        connack.authentication = draft.authentication
        connack.assignedClientID = draft.assignedClientID
        return connack
    }

    /// A request, though an earlier one has not been answered: 2.0 allows one at a time in each direction. The same one again is no
    /// other.
    func isTooEarly(_ packet: Packet) -> Bool {
        guard !replies.isEmpty, let messageID = packet.requestID else { return false }
        return replies.contains { $0.packet.answeredID.map { $0 != messageID } ?? false }
    }

    /// The client has broken the protocol: it is told how, and its will is published (as MQTT 5.0, 4.13).
    func reject(_ reason: ReturnCode) {
        history.lastRejection = ClientStatus.Rejection(answer: .disconnect, returnCode: reason)
        send(.disconnectDraft(Packet.DisconnectDraft(reason: reason)))
        run { machine, actions in machine.end(.lost, into: &actions) }
    }

    /// The client will ask for every alias again, or be told the names.
    func forgetAliases() {
        guard let registry = attachment?.topicIDs else { return }
        var id: UInt16 = 1
        // Ids are allotted from 1 upwards (MQTT-SN 6.5).
        while id != .max, registry.topic(of: id) != nil {
            registry.setKnownToClient(id, false)
            id += 1
        }
    }

    /// A sleeper is told once that something waits, for radios that hear it.
    func callSleeper() {
        guard machine.phase == .asleep, let draft = machine.draft, !draft.hasBeenCalled else { return }
        draft.hasBeenCalled = true
        send(.wakeUp)
    }
}

extension ReturnCode {
    /// A return code of 1.2 as a reason code; what is one already stays.
    var inDraft: ReturnCode {
        switch self {
        case .congestion: .draftCongestion
        case .invalidTopicID: .unknownAlias
        case .notSupported: .unspecified
        default: self
        }
    }
}

extension Packet.SubackDraft {
    fileprivate init(_ suback: Packet.Suback) {
        let isGranted = suback.returnCode == .accepted
        self.init(
            topic: suback.topicID == 0 || !isGranted
                ? nil : suback.isPredefined ? .predefined(suback.topicID) : .alias(suback.topicID),
            messageID: suback.messageID,
            reason: isGranted ? ReturnCode(rawValue: suback.qos.rawValue) : suback.returnCode.inDraft)
    }
}

extension Packet {
    /// The identifier of a request of 2.0 that is to be answered.
    fileprivate var requestID: UInt16? {
        switch self {
        case .register(let register): register.messageID
        case .publishDraft(let publish): publish.qos == .atMostOnce ? nil : publish.messageID
        case .subscribeDraft(let subscribe): subscribe.messageID
        case .unsubscribeDraft(let unsubscribe): unsubscribe.messageID
        case .sleepRequest(let request): request.messageID
        default: nil
        }
    }

    /// The identifier of the request that this answers.
    fileprivate var answeredID: UInt16? {
        switch self {
        case .regack(let answer), .puback(let answer): answer.messageID
        case .pubrec(let messageID), .unsuback(let messageID): messageID
        case .suback(let suback): suback.messageID
        case .pubackDraft(let messageID, _), .pubrecDraft(let messageID, _), .unsubackDraft(let messageID, _): messageID
        default: nil
        }
    }
}
