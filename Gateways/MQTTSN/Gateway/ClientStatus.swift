import Messaging

/// What an operator wants to know of one client, published as JSON.
struct ClientStatus {
    /// Requests sent again because their answer did not come.
    var retransmissions: UInt32 = 0
    /// Times it was heard from another address than before.
    var roams: UInt32 = 0
    /// Times it did not wake when it had said it would.
    var missedWakes: UInt32 = 0
    var lastRejection: Rejection?

    /// A request of the client that was answered with a return code other than "accepted".
    struct Rejection: Equatable {
        let answer: PacketType
        let returnCode: ReturnCode
    }

    enum State: String {
        case active, asleep, awake, disconnected, lost
    }

    /// Times are whole seconds since 1970.
    func json(
        state: State, address: String, keepAlive: UInt16, sleepDuration: UInt16, nextWake: Duration?,
        backlog: MailboxReport, oldest: Duration?
    ) -> String {
        var json = "{\"state\":\"\(state.rawValue)\",\"address\":\"\(address)\",\"keep_alive\":\(keepAlive)"
        json += ",\"sleep\":\(sleepDuration),\"next_wake\":\(Self.seconds(nextWake)),\"missed_wakes\":\(missedWakes)"
        json += ",\"backlog\":{\"messages\":\(backlog.messages),\"bytes\":\(backlog.octets)"
        json +=
            ",\"oldest\":\(Self.seconds(oldest)),\"dropped\":\(backlog.account.dropped),\"expired\":\(backlog.account.expired)"
        json += ",\"reasons\":{\(reasons(backlog.account))},\"refused\":\(backlog.refused)}"
        json += ",\"retransmissions\":\(retransmissions),\"roams\":\(roams),\"last_rejection\":"
        if let lastRejection {
            json += "{\"answer\":\"\(lastRejection.answer)\",\"return_code\":\(lastRejection.returnCode.rawValue)}"
        } else {
            json += "null"
        }
        return json + "}"
    }

    private func reasons(_ account: DropLedger) -> String {
        account.reasons.map { "\"\($0.reason.name)\":\($0.count)" }.joined(separator: ",")
    }

    private static func seconds(_ time: Duration?) -> String { time.map { "\($0.components.seconds)" } ?? "null" }

    /// The topic of a client's status. Octets a topic level cannot hold, and `%`, are written as `%` and two hexadecimal
    /// digits, so that no client id reaches into another's topic.
    static func topic(of clientID: ClientID) -> TopicName? {
        var level: [UInt8] = []
        for octet in clientID.string.utf8 {
            switch octet {
            case UInt8(ascii: "/"), UInt8(ascii: "+"), UInt8(ascii: "#"), UInt8(ascii: "%"), 0..<0x20:
                level += [UInt8(ascii: "%"), Self.digit(octet >> 4), Self.digit(octet & 0x0F)]
            default: level.append(octet)
            }
        }
        return try? TopicName(utf8: Array("$SYS/broker/mqttsn/clients/".utf8) + level)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value + (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "A") - 10)
    }
}

extension Packet {
    /// The rejection this answer is, if it is one.
    var rejection: ClientStatus.Rejection? {
        let returnCode: ReturnCode? =
            switch self {
            case .connack(let code), .willTopicResponse(let code), .willMessageResponse(let code): code
            case .regack(let answer), .puback(let answer): answer.returnCode
            case .suback(let suback): suback.returnCode
            default: nil
            }
        guard let returnCode, returnCode != .accepted else { return nil }
        return ClientStatus.Rejection(answer: type, returnCode: returnCode)
    }
}
