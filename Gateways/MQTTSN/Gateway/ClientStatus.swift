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

    /// Times are whole seconds since 1970. What is zero or nothing is left out, as this is kept for each of very many sleepers.
    func json(
        state: State, address: String, keepAlive: UInt16, sleepDuration: UInt16, nextWake: Duration?,
        backlog: MailboxReport, oldest: Duration?
    ) -> String {
        var object = JSONObject()
        object.append("state", text: state.rawValue)
        object.append("address", text: address)
        object.append("keep_alive", keepAlive)
        object.append("sleep", sleepDuration)
        object.append("next_wake", Self.seconds(nextWake))
        object.append("missed_wakes", missedWakes)
        object.append("backlog", self.backlog(backlog, oldest: oldest))
        object.append("retransmissions", retransmissions)
        object.append("roams", roams)
        if let lastRejection { object.append("last_rejection", rejection(lastRejection)) }
        return object.text
    }

    private func backlog(_ report: MailboxReport, oldest: Duration?) -> JSONObject {
        var object = JSONObject()
        object.append("messages", report.messages)
        object.append("bytes", report.octets)
        object.append("oldest", Self.seconds(oldest))
        object.append("dropped", report.account.dropped)
        object.append("expired", report.account.expired)
        var reasons = JSONObject()
        for (reason, count) in report.account.reasons { reasons.append(reason.name, count) }
        object.append("reasons", reasons)
        object.append("refused", report.refused)
        return object
    }

    private func rejection(_ rejection: Rejection) -> JSONObject {
        var object = JSONObject()
        object.append("answer", text: "\(rejection.answer)")
        object.append("return_code", rejection.returnCode.rawValue)
        return object
    }

    private static func seconds(_ time: Duration?) -> Int64 { time?.components.seconds ?? 0 }

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
