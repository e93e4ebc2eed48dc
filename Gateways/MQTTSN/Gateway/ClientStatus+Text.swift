import Messaging

/// The status as subscribers see it: one topic for each client, JSON in it.
extension ClientStatus {
    /// What all topics begin with.
    static let root = "$SYS/broker/mqttsn/clients/"

    /// What is zero or nothing is left out.
    var json: String {
        var object = JSONObject()
        object.append("state", text: state.rawValue)
        object.append("address", text: address.text)
        object.append("keep_alive", keepAlive)
        object.append("sleep", sleepDuration)
        object.append("next_wake", nextWake)
        object.append("missed_wakes", history.missedWakes)
        if let backlog = backlog.value { object.append("backlog", backlog.json) }
        object.append("retransmissions", history.retransmissions)
        object.append("roams", history.roams)
        if let rejection = history.lastRejection { object.append("last_rejection", rejection.json) }
        return object.text
    }

    /// The topic of a client's status. Octets a topic level cannot hold, and `%`, are written as `%` and two hexadecimal
    /// digits, so that no client id reaches into another's topic.
    static func topic(of clientID: ClientID) -> TopicName? {
        var level: [UInt8] = []
        for octet in clientID.string.utf8 {
            if isWritten(octet) {
                level += [escape, digit(octet >> 4), digit(octet & 0x0F)]
            } else {
                level.append(octet)
            }
        }
        return try? TopicName(utf8: Array(root.utf8) + level)
    }

    /// The client whose status has this topic.
    static func clientID(of topic: TopicName) -> ClientID? {
        var rest = topic.string.utf8.dropFirst(root.utf8.count)
        var octets: [UInt8] = []
        while let octet = rest.popFirst() {
            guard octet == escape else {
                octets.append(octet)
                continue
            }
            guard let upper = rest.popFirst(), let lower = rest.popFirst(),
                let value = UInt8(String(decoding: [upper, lower], as: UTF8.self), radix: 16)
            else { return nil }
            octets.append(value)
        }
        guard let text = String(validating: octets, as: UTF8.self) else { return nil }
        let clientID = ClientID(text)
        // One topic for each client: other spellings are nobody's.
        return self.topic(of: clientID) == topic ? clientID : nil
    }

    private static let escape = UInt8(ascii: "%")

    private static func isWritten(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "/"), UInt8(ascii: "+"), UInt8(ascii: "#"), escape, 0..<0x20: true
        default: false
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value + (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "A") - 10)
    }
}

extension ClientStatus.Backlog {
    fileprivate var json: JSONObject {
        var object = JSONObject()
        object.append("messages", messages)
        object.append("bytes", octets)
        object.append("oldest", oldest)
        object.append("dropped", losses.dropped)
        object.append("expired", losses.expired)
        var reasons = JSONObject()
        for (reason, count) in losses.reasons { reasons.append(reason.name, count) }
        object.append("reasons", reasons)
        object.append("refused", refused)
        return object
    }
}

extension ClientStatus.Rejection {
    fileprivate var json: JSONObject {
        var object = JSONObject()
        object.append("answer", text: "\(answer)")
        object.append("return_code", returnCode.rawValue)
        return object
    }
}
