import TestKit

/// An MQTT-SN 1.2 node written from the standard alone, octet by octet, so that it cannot share a mistake with the gateway.
/// It acknowledges by itself what it is sent.
final class SensorNode: Sendable {
    struct Message: Equatable {
        var topic: String
        var qos: Int
        var payload: [UInt8]
    }

    private struct State {
        /// Names of normal topic ids, by the gateway's REGISTER or ours.
        var topics: [UInt16: String] = [:]
        var messages: [Message] = []
        /// Message ids of QoS 2 between PUBLISH and PUBREL.
        var unreleased: Set<UInt16> = []
        /// Each datagram's message type, in the order they came.
        var types: [UInt8] = []
        var answers: [[UInt8]] = []
    }

    private let clientID: String
    private let state: Shared<State>
    private let socket: RawSocket

    init(_ apus: RunningApus, _ clientID: String) throws {
        let state = Shared(State())
        self.clientID = clientID
        self.state = state
        socket = try RawSocket(.udp, port: apus.port("mqttsn.udp")) { datagram in
            state.change { Self.receive(datagram, &$0) }
        }
    }

    // MARK: What a node does

    func connect(cleanSession: Bool = true) async throws {
        send([0x04, cleanSession ? 0x04 : 0, 0x01, 0, 60] + Array(clientID.utf8))
        try await expect(0x05) { $0[2] == 0 }
    }

    /// REGISTER: the gateway gives the name a number.
    func register(_ topic: String) async throws -> UInt16 {
        send([0x0A, 0, 0, 0, 1] + Array(topic.utf8))
        let answer = try await expect(0x0B) { $0[6] == 0 }
        return Self.number(answer, 2)
    }

    /// Publishes to a registered topic and waits until its QoS is fulfilled.
    func publish(_ topic: String, _ payload: [UInt8], qos: Int) async throws {
        let id = try await register(topic)
        send([0x0C, UInt8(qos) << 5, UInt8(id >> 8), UInt8(id & 0xFF), 0, qos == 0 ? 0 : 7] + payload)
        if qos == 1 { try await expect(0x0D) { $0[6] == 0 } }
        if qos == 2 {
            try await expect(0x0F) { _ in true }
            send([0x10, 0, 7])
            try await expect(0x0E) { _ in true }
        }
    }

    /// PUBLISH of QoS -1 to a short topic name, without ever having connected (MQTT-SN 6.8).
    func publishConnectionless(_ shortTopic: String, _ payload: [UInt8]) {
        send([0x0C, 0x62] + Array(shortTopic.utf8) + [0, 0] + payload)
    }

    func subscribe(_ filter: String, qos: Int) async throws {
        send([0x12, UInt8(qos) << 5, 0, 9] + Array(filter.utf8))
        let answer = try await expect(0x13) { $0[7] == 0 }
        let id = Self.number(answer, 3)
        if id != 0 { state.change { $0.topics[id] = filter } }
    }

    /// DISCONNECT with duration: asleep from here on (MQTT-SN 6.14).
    func sleep(seconds: UInt16) async throws {
        send([0x18, UInt8(seconds >> 8), UInt8(seconds & 0xFF)])
        try await expect(0x18) { _ in true }
        state.change { $0.types.removeAll() }
    }

    /// PINGREQ with the client id: awake until the gateway says PINGRESP.
    /// - Returns: types of the datagrams that came, PINGRESP last.
    func wake() async throws -> [UInt8] {
        send([0x16] + Array(clientID.utf8))
        try await expect(0x17) { _ in true }
        return state.read { $0.types }
    }

    /// The first `count` messages.
    func messages(_ count: Int) async throws -> [Message] {
        let found = await state.wait(within: .seconds(20)) { state in
            state.messages.count >= count ? Array(state.messages.prefix(count)) : nil
        }
        guard let found else { throw Program.Missing(description: "\(clientID) waited in vain for \(count) messages") }
        return found
    }

    var receivedMessages: [Message] { state.read { $0.messages } }

    // MARK: Octets

    private func send(_ body: [UInt8]) {
        let length = body.count + 1
        socket.send(length < 256 ? [UInt8(length)] + body : [1, UInt8((length + 2) >> 8), UInt8((length + 2) & 0xFF)] + body)
    }

    /// Waits for an answer of a type and takes it out.
    @discardableResult
    private func expect(_ type: UInt8, where condition: @escaping @Sendable ([UInt8]) -> Bool) async throws -> [UInt8] {
        let found = await state.wait(within: .seconds(20)) { state in
            state.answers.first { $0[1] == type && condition($0) }
        }
        guard let found else {
            throw Program.Missing(
                description: "\(clientID) waited in vain for type \(type); got \(state.read { $0.answers.map { hex($0) } })")
        }
        state.change { state in state.answers.removeAll { $0 == found } }
        return found
    }

    private static func number(_ octets: [UInt8], _ index: Int) -> UInt16 {
        UInt16(octets[index]) << 8 | UInt16(octets[index + 1])
    }

    /// What the node answers by itself; everything else waits for `expect`.
    private static func receive(_ datagram: [UInt8], _ state: inout State) -> [[UInt8]] {
        // The long form of the length is brought into the short one; the length itself is not looked at again.
        let octets = datagram.first == 1 ? [0] + datagram.dropFirst(3) : datagram
        guard octets.count >= 2 else { return [] }
        state.types.append(octets[1])
        switch octets[1] {
        case 0x0A where octets.count >= 6:  // REGISTER -> REGACK
            state.topics[number(octets, 2)] = String(decoding: octets[6...], as: UTF8.self)
            return [[7, 0x0B] + octets[2..<6] + [0]]
        case 0x0C where octets.count >= 7: return receivePublish(octets, &state)
        case 0x10 where octets.count >= 4:  // PUBREL -> PUBCOMP
            state.unreleased.remove(number(octets, 2))
            return [[4, 0x0E] + octets[2..<4]]
        default:
            state.answers.append(octets)
            return []
        }
    }

    private static func receivePublish(_ octets: [UInt8], _ state: inout State) -> [[UInt8]] {
        let qos = Int(octets[2] >> 5 & 3)
        let id = number(octets, 3), messageID = number(octets, 5)
        let topic = octets[2] & 3 == 2 ? String(decoding: octets[3..<5], as: UTF8.self) : state.topics[id] ?? "id \(id)"
        if qos < 2 || state.unreleased.insert(messageID).inserted {
            state.messages.append(Message(topic: topic, qos: qos, payload: Array(octets[7...])))
        }
        switch qos {
        case 1: return [[7, 0x0D] + octets[3..<7] + [0]]
        case 2: return [[4, 0x0F] + octets[5..<7]]
        default: return []
        }
    }
}
