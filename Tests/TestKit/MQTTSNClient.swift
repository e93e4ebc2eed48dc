/// A simulated MQTT-SN 1.2 node. It builds and reads its octets itself, so that it is a check on the gateway's codec and not
/// a mirror of it. Messages up to 255 octets; requests are not repeated.
package final class MQTTSNClient: Sendable {
    package struct Unexpected: Error, CustomStringConvertible {
        package let description: String
    }

    /// How a topic is named on the wire.
    package enum Topic: Sendable, Equatable {
        case normal(UInt16)
        case predefined(UInt16)
        case short(String)

        fileprivate var typeBits: UInt8 {
            switch self {
            case .normal: 0
            case .predefined: 1
            case .short: 2
            }
        }

        fileprivate var octets: [UInt8] {
            switch self {
            case .normal(let id), .predefined(let id): big(id)
            case .short(let name): Array(name.utf8)
            }
        }
    }

    /// A PUBLISH from the gateway, acknowledged already.
    package struct Received: Sendable, Equatable {
        package let topic: Topic
        package let payload: [UInt8]
        package let qos: UInt8
        package let retain: Bool
        package let isDuplicate: Bool
    }

    package let clientID: String
    private let mailbox: DatagramMailbox

    package init(clientID: String, port: Int) async throws {
        self.clientID = clientID
        mailbox = try await DatagramMailbox(port: port)
    }

    // MARK: Octets

    /// Sends a message of the given type; the length is put before it.
    package func send(_ type: UInt8, _ body: [UInt8] = []) async throws {
        precondition(body.count <= 253, "the node speaks the short form only")
        try await mailbox.send([UInt8(body.count + 2), type] + body)
    }

    /// The next message: its type and body.
    package func next(within limit: Duration = .patience) async throws -> (type: UInt8, body: [UInt8]) {
        let octets = try await mailbox.next(within: limit)
        if octets.count >= 4, octets[0] == 0x01 { return (octets[3], Array(octets[4...])) }
        guard octets.count >= 2, Int(octets[0]) == octets.count else { throw Unexpected(description: hex(octets)) }
        return (octets[1], Array(octets[2...]))
    }

    @discardableResult
    package func expect(_ type: UInt8, within limit: Duration = .patience) async throws -> [UInt8] {
        let message = try await next(within: limit)
        guard message.type == type else {
            throw Unexpected(description: "type \(message.type) (\(hex(message.body))) instead of \(type)")
        }
        return message.body
    }

    private func expect(_ type: UInt8, _ body: [UInt8]) async throws {
        let received = try await expect(type)
        guard received == body else {
            throw Unexpected(description: "type \(type): \(hex(received)) instead of \(hex(body))")
        }
    }

    // MARK: Conversations

    /// CONNECT to CONNACK, with the will handshake when there is a will.
    package func connect(
        keepAlive: UInt16 = 60, cleanSession: Bool = true, will: (topic: String, payload: [UInt8])? = nil
    ) async throws {
        let flags: UInt8 = (will == nil ? 0 : 0x08) | (cleanSession ? 0x04 : 0)
        try await send(0x04, [flags, 0x01] + big(keepAlive) + Array(clientID.utf8))
        if let will {
            try await expect(0x06)
            try await send(0x07, [0x20] + Array(will.topic.utf8))
            try await expect(0x08)
            try await send(0x09, will.payload)
        }
        try await expect(0x05, [0x00])
    }

    package func register(_ name: String, messageID: UInt16 = 1) async throws -> Topic {
        try await send(0x0A, [0, 0] + big(messageID) + Array(name.utf8))
        let body = try await expect(0x0B)
        guard body.count == 5, body[4] == 0 else { throw Unexpected(description: "REGACK \(hex(body))") }
        return .normal(number(body))
    }

    /// Publishes at QoS 0, 1 or 2 and completes the exchange; 3 stands for QoS -1.
    package func publish(
        _ topic: Topic, _ payload: [UInt8], qos: UInt8 = 0, retain: Bool = false, messageID: UInt16 = 1
    ) async throws {
        let isAnswered = qos == 1 || qos == 2
        let flags = qos << 5 | (retain ? 0x10 : 0) | topic.typeBits
        try await send(0x0C, [flags] + topic.octets + big(isAnswered ? messageID : 0) + payload)
        if qos == 1 { try await expect(0x0D, topic.octets + big(messageID) + [0x00]) }
        if qos == 2 {
            try await expect(0x0F, big(messageID))
            try await send(0x10, big(messageID))
            try await expect(0x0E, big(messageID))
        }
    }

    /// - Returns: the id matches will come with; `.normal(0)` for a filter with wildcards.
    package func subscribe(_ filter: String, qos: UInt8 = 0, messageID: UInt16 = 2) async throws -> Topic {
        try await send(0x12, [qos << 5] + big(messageID) + Array(filter.utf8))
        return .normal(number(try await granted(messageID), at: 1))
    }

    package func subscribe(_ topic: Topic, qos: UInt8 = 0, messageID: UInt16 = 2) async throws {
        try await send(0x12, [qos << 5 | topic.typeBits] + big(messageID) + topic.octets)
        _ = try await granted(messageID)
    }

    private func granted(_ messageID: UInt16) async throws -> [UInt8] {
        let body = try await expect(0x13)
        guard body.count == 6, body[5] == 0, number(body, at: 3) == messageID else {
            throw Unexpected(description: "SUBACK \(hex(body))")
        }
        return body
    }

    package func ping() async throws {
        try await send(0x16)
        try await expect(0x17)
    }

    package func sleep(seconds: UInt16) async throws {
        try await send(0x18, big(seconds))
        try await expect(0x18, [])
    }

    /// Wakes up and takes what waits, acknowledging everything, until PINGRESP.
    package func wake() async throws -> [Received] {
        try await send(0x16, Array(clientID.utf8))
        var received: [Received] = []
        while let message = try await nextPublish(orEndWith: 0x17) { received.append(message) }
        return received
    }

    /// The next PUBLISH, with the REGISTER that may come before it and the acknowledgements after it.
    package func receive(within limit: Duration = .patience) async throws -> Received {
        guard let message = try await nextPublish(within: limit, orEndWith: nil) else {
            throw Unexpected(description: "no PUBLISH")
        }
        return message
    }

    package func disconnect() async throws {
        try await send(0x18)
        try await expect(0x18, [])
        try await mailbox.close()
    }

    /// Vanishes without a word.
    package func close() async throws {
        try await mailbox.close()
    }

    private func nextPublish(
        within limit: Duration = .patience, orEndWith end: UInt8?
    ) async throws -> Received? {
        while true {
            let (type, body) = try await next(within: limit)
            switch type {
            case 0x0A where body.count > 4: try await send(0x0B, Array(body[0..<4]) + [0x00])
            case 0x0C where body.count >= 5: return try await acknowledge(body)
            case end: return nil
            default: throw Unexpected(description: "type \(type): \(hex(body))")
            }
        }
    }

    private func acknowledge(_ body: [UInt8]) async throws -> Received {
        let qos = body[0] >> 5 & 0x03
        let messageID = Array(body[3..<5])
        if qos == 1 { try await send(0x0D, Array(body[1..<5]) + [0x00]) }
        if qos == 2 {
            try await send(0x0F, messageID)
            try await expect(0x10, messageID)
            try await send(0x0E, messageID)
        }
        let topic: Topic =
            switch body[0] & 0x03 {
            case 0: .normal(number(body, at: 1))
            case 1: .predefined(number(body, at: 1))
            default: .short(String(decoding: body[1..<3], as: UTF8.self))
            }
        return Received(
            topic: topic, payload: Array(body[5...]), qos: qos, retain: body[0] & 0x10 != 0,
            isDuplicate: body[0] & 0x80 != 0)
    }
}

private func big(_ value: UInt16) -> [UInt8] {
    [UInt8(value >> 8), UInt8(value & 0xFF)]
}

private func number(_ octets: [UInt8], at index: Int = 0) -> UInt16 {
    UInt16(octets[index]) << 8 | UInt16(octets[index + 1])
}
