import TestKit
import Testing

/// Whatever one protocol publishes, every other one receives: the same octets, at the QoS that both sides allow.
@Suite struct AllPairsTests {
    /// Who speaks. Two CoAP clients, because they are two people's reading of the standards.
    enum Speaker: CaseIterable {
        case mqtt, mqttsn, libcoap, aiocoap
    }

    /// No line end, because libcoap's client prints payloads as lines; a character of two octets and one of three.
    private static let text = Array("21.5 °C ✓".utf8)
    private static let binary = (0...120).map { UInt8(($0 * 37) & 0xFF) }

    @Test(arguments: Speaker.allCases)
    func whatOnePublishesAllReceive(speaker: Speaker) async throws {
        let apus = try await RunningApus()
        let topic = "pairs/\(speaker)"
        let mosquitto = try await Mosquitto.subscribe(apus, topic)
        let node = try await node(apus, "receiver")
        _ = try await node.subscribe(topic, qos: 2)
        let libcoap = try await CoAPClients.libcoapObserve(apus, topic)
        let aiocoap = try await CoAPClients.aiocoapObserve(apus, topic)

        try await publish(as: speaker, apus, topic, Self.text)

        #expect(try await mosquitto.messages(1).map(\.payload) == [Self.text])
        #expect(try await node.receive().payload == Self.text)
        try await libcoap.line { $0 == String(decoding: Self.text, as: UTF8.self) }
        try await aiocoap.line { $0 == "NOTIFY 2.05 \(digits(Self.text))" }
        #expect(try await apus.stop() == 0)
    }

    @Test(arguments: Speaker.allCases)
    func binaryPayloadsStayAsTheyAre(speaker: Speaker) async throws {
        let apus = try await RunningApus()
        let mosquitto = try await Mosquitto.subscribe(apus, "binary")
        let node = try await node(apus, "receiver")
        _ = try await node.subscribe("binary", qos: 1)
        let aiocoap = try await CoAPClients.aiocoapObserve(apus, "binary")
        try await publish(as: speaker, apus, "binary", Self.binary)
        #expect(try await mosquitto.messages(1).map(\.payload) == [Self.binary])
        #expect(try await node.receive().payload == Self.binary)
        try await aiocoap.line { $0 == "NOTIFY 2.05 \(digits(Self.binary))" }
    }

    @Test(arguments: [0, 1, 2])
    func mqttAndMQTTSNKeepEachOthersQoS(qos: Int) async throws {
        let apus = try await RunningApus()
        let mosquitto = try await Mosquitto.subscribe(apus, "q/#")
        let node = try await node(apus, "node")
        _ = try await node.subscribe("q/from-mqtt", qos: 2)
        try await Mosquitto.publish(apus, "q/from-mqtt", [1], qos: qos)
        #expect(try await node.receive().qos == UInt8(qos))
        try await node.publish(node.register("q/from-node"), [2], qos: UInt8(qos))
        #expect(
            try await mosquitto.messages(2).last == MosquittoMessage(qos: qos, topic: "q/from-node", payload: [2]))
    }

    @Test func aSubscriptionBoundsTheQoS() async throws {
        let apus = try await RunningApus()
        let mosquitto = try await Mosquitto.subscribe(apus, "q", qos: 1)
        let node = try await node(apus, "node")
        _ = try await node.subscribe("q", qos: 0)
        try await Mosquitto.publish(apus, "q", [1], qos: 2)
        #expect(try await mosquitto.messages(1).first?.qos == 1)
        #expect(try await node.receive().qos == 0)
    }

    @Test func aNodeThatNeverConnectsIsHeard() async throws {
        let apus = try await RunningApus()
        let mosquitto = try await Mosquitto.subscribe(apus, "ab")
        let node = try await MQTTSNClient(clientID: "nobody", port: apus.port("mqttsn.udp"))
        try await node.publish(.short("ab"), [7], qos: 3)
        #expect(try await mosquitto.messages(1).map(\.payload) == [[7]])
    }

    @Test func aSleepingNodeGetsItsMessagesInOrderAndPINGRESPLast() async throws {
        let apus = try await RunningApus()
        let node = try await node(apus, "sleeper")
        _ = try await node.subscribe("sleep/#", qos: 1)
        try await node.sleep(seconds: 600)
        for number in 1...3 { try await Mosquitto.publish(apus, "sleep/\(number)", [UInt8(number)], qos: 1) }
        // `wake` reads until PINGRESP and takes nothing else for an end.
        #expect(try await node.wake().map(\.payload) == [[1], [2], [3]])
        #expect(try await node.wake().isEmpty)
    }

    private func node(_ apus: RunningApus, _ clientID: String) async throws -> MQTTSNClient {
        let node = try await MQTTSNClient(clientID: clientID, port: apus.port("mqttsn.udp"))
        try await node.connect()
        return node
    }

    private func publish(as speaker: Speaker, _ apus: RunningApus, _ topic: String, _ payload: [UInt8]) async throws {
        switch speaker {
        case .mqtt: try await Mosquitto.publish(apus, topic, payload)
        case .mqttsn:
            let node = try await node(apus, "publisher")
            try await node.publish(node.register(topic), payload, qos: 1)
        case .libcoap: try await CoAPClients.libcoapPublish(apus, topic, payload)
        case .aiocoap:
            let answer = try await CoAPClients.aiocoap(apus, "put", topic, payload)
            #expect(answer.hasPrefix("2.0"))
        }
    }

    private func digits(_ payload: [UInt8]) -> String { hex(payload).filter { $0 != " " } }
}
