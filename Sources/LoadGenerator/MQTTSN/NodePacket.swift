/// The MQTT-SN 1.2 messages a node sends and receives. They are the generator's own, so that a gateway is not measured with its own
/// codec.
enum NodePacket {
    /// Message types (MQTT-SN 1.2, 5.2.2).
    enum Kind: UInt8 {
        case connect = 0x04, connack = 0x05, register = 0x0A, regack = 0x0B, publish = 0x0C, puback = 0x0D
        case subscribe = 0x12, suback = 0x13, pingreq = 0x16, pingresp = 0x17, disconnect = 0x18
    }

    /// Clean session, so that nothing is left behind; the keep alive is long, as nodes here fall asleep at once.
    static func connect(_ clientIdentifier: String) -> [UInt8] {
        make(.connect, [0x04, 0x01, 0x0E, 0x10] + Array(clientIdentifier.utf8))
    }

    static func register(_ topic: String, messageIdentifier: UInt16) -> [UInt8] {
        make(.register, [0, 0] + octets(messageIdentifier) + Array(topic.utf8))
    }

    static func regack(topic: UInt16, messageIdentifier: UInt16) -> [UInt8] {
        make(.regack, octets(topic) + octets(messageIdentifier) + [0])
    }

    static func subscribe(_ topic: String, qos: UInt8, messageIdentifier: UInt16) -> [UInt8] {
        make(.subscribe, [qos << 5] + octets(messageIdentifier) + Array(topic.utf8))
    }

    static func publish(topic: UInt16, qos: UInt8, messageIdentifier: UInt16, payload: [UInt8]) -> [UInt8] {
        make(.publish, [qos << 5] + octets(topic) + octets(messageIdentifier) + payload)
    }

    static func puback(topic: UInt16, messageIdentifier: UInt16) -> [UInt8] {
        make(.puback, octets(topic) + octets(messageIdentifier) + [0])
    }

    static func pingreq(_ clientIdentifier: String) -> [UInt8] { make(.pingreq, Array(clientIdentifier.utf8)) }

    /// - Parameter seconds: the sleep that begins; nil to leave.
    static func disconnect(sleep seconds: UInt16?) -> [UInt8] { make(.disconnect, seconds.map(octets) ?? []) }

    /// DUP (MQTT-SN 1.2, 5.3.4) of a SUBSCRIBE or PUBLISH that is sent again.
    static func repeated(_ octets: [UInt8]) -> [UInt8] {
        var octets = octets
        let start = octets[0] == 0x01 ? 3 : 1
        guard let kind = Kind(rawValue: octets[start]), kind == .publish || kind == .subscribe else { return octets }
        octets[start + 1] |= 0x80
        return octets
    }

    /// One octet of length up to 255, else 0x01 and two (MQTT-SN 1.2, 5.2.1).
    private static func make(_ kind: Kind, _ body: [UInt8]) -> [UInt8] {
        let length = body.count + 2
        let header = length < 256 ? [UInt8(length)] : [0x01] + octets(UInt16(length + 2))
        return header + [kind.rawValue] + body
    }

    private static func octets(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)] }
}

/// A message a gateway sent, read in place.
struct ReceivedNodePacket {
    var kind: NodePacket.Kind
    /// Where the body begins and ends.
    var body: Range<Int>

    /// Nil for a message a node does not know, or none at all.
    init?(_ octets: borrowing Span<UInt8>, count: Int) {
        guard count >= 2 else { return nil }
        let start = octets[0] == 0x01 ? 3 : 1
        let length = start == 1 ? Int(octets[0]) : count >= 4 ? Int(octets.bigEndian(at: 1, octets: 2)) : 0
        guard length == count, length > start, let kind = NodePacket.Kind(rawValue: octets[start]) else { return nil }
        self.kind = kind
        body = (start + 1)..<count
    }

    /// Two octets of the body; nil when it ends before.
    func number(_ octets: borrowing Span<UInt8>, at offset: Int) -> UInt16? {
        guard body.lowerBound + offset + 2 <= body.upperBound else { return nil }
        return UInt16(truncatingIfNeeded: octets.bigEndian(at: body.lowerBound + offset, octets: 2))
    }

    /// The last octet of an acknowledgement says how it went; 0 is well.
    func isAccepted(_ octets: borrowing Span<UInt8>) -> Bool { !body.isEmpty && octets[body.upperBound - 1] == 0 }
}
