/// MQTT packets as octets, made without the codec under test. Version 5 has no properties in them.
package enum MQTTOctets {
    /// - Parameters:
    ///   - version: 4 or 5.
    ///   - keepAlive: seconds; 0 for none.
    package static func connect(_ clientID: String, version: UInt8 = 5, cleanStart: Bool = true, keepAlive: UInt16 = 0)
        -> [UInt8]
    {
        let flags: UInt8 = cleanStart ? 2 : 0
        let properties: [UInt8] = version == 5 ? [0] : []
        return packet(0x10, text("MQTT") + [version, flags] + two(keepAlive) + properties + text(clientID))
    }

    package static func subscribe(_ filter: String, qos: UInt8, version: UInt8 = 5) -> [UInt8] {
        packet(0x82, two(1) + (version == 5 ? [0] : []) + text(filter) + [qos])
    }

    /// - Parameter identifier: at QoS 1 and 2.
    package static func publish(
        _ topic: String, _ payload: [UInt8], qos: UInt8 = 0, identifier: UInt16 = 1, version: UInt8 = 5
    ) -> [UInt8] {
        packet(
            0x30 | qos << 1, text(topic) + (qos > 0 ? two(identifier) : []) + (version == 5 ? [0] : []) + payload)
    }

    package static let pingRequest: [UInt8] = [0xC0, 0]
    package static let pingResponse: [UInt8] = [0xD0, 0]

    private static func packet(_ first: UInt8, _ rest: [UInt8]) -> [UInt8] { [first] + variable(rest.count) + rest }

    /// A variable byte integer (MQTT 5.0, 1.5.5).
    package static func variable(_ number: Int) -> [UInt8] {
        var (octets, rest): ([UInt8], Int) = ([], number)
        repeat {
            octets.append(UInt8(rest % 128) | (rest >= 128 ? 0x80 : 0))
            rest /= 128
        } while rest > 0
        return octets
    }

    private static func text(_ text: String) -> [UInt8] { two(UInt16(text.utf8.count)) + Array(text.utf8) }

    private static func two(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }
}
