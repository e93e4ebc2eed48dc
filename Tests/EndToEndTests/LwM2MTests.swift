import TestKit
import Testing

/// A LwM2M device and clients of the other protocols, in both directions.
@Suite struct LwM2MTests {
    private static let timezone = "lwm2m/ep1/r/3/0/14"
    private static let temperature = "lwm2m/ep1/r/3303/0/5700"

    /// A registered device with a clock offset that can be written and a temperature that can only be read.
    private func device(_ apus: RunningApus) async throws -> LwM2MDevice {
        let device = try LwM2MDevice(port: apus.port("coap.udp"))
        device.set("/3303/0/5700", LwM2MDevice.Resource("21.5"))
        _ = try await device.register("ep1", objects: "</1/0>,</3/0>,</3303/0>")
        return device
    }

    @Test func aPublishedSetArrivesAsAPUTAndTheValueTopicFollows() async throws {
        let apus = try await RunningApus()
        let device = try await device(apus)
        let watcher = try await Mosquitto.subscribe(apus, Self.timezone)
        try await Mosquitto.publish(apus, Self.timezone + "/set", Array("\"+02:00\"".utf8))
        let request = try await device.request { $0.path == "/3/0/14" && $0.code == 3 }
        #expect(String(decoding: request.payload, as: UTF8.self) == "+02:00")
        #expect(try await watcher.messages(1).map(\.payload) == [Array("\"+02:00\"".utf8)])
        #expect(device.value(of: "/3/0/14") == "+02:00")
        #expect(try await apus.stop() == 0)
    }

    @Test func aReadOnlyResourceAnswersWithAReport() async throws {
        let apus = try await RunningApus()
        _ = try await device(apus)
        let watcher = try await Mosquitto.subscribe(apus, "lwm2m/ep1/report")
        try await Mosquitto.publish(apus, "lwm2m/ep1/r/3/0/0/set", Array("\"Other\"".utf8))
        let report = String(decoding: try await watcher.messages(1)[0].payload, as: UTF8.self)
        #expect(report.contains("\"not_writable\"") || report.contains("\"4.05\""), "\(report)")
        #expect(report.contains("/3/0/0"))
    }

    /// What a device notifies reaches everybody.
    @Test func whatADeviceNotifiesAllReceive() async throws {
        let apus = try await RunningApus()
        let device = try await device(apus)
        try await Mosquitto.publish(apus, Self.temperature + "/observe", [])
        let mosquitto = try await Mosquitto.subscribe(apus, Self.temperature)
        // The value read on observing comes first, as a retained message or as it is published.
        #expect(try await mosquitto.messages(1).map(\.payload) == [Array("21.5".utf8)])
        let node = try await MQTTSNClient(clientID: "node", port: apus.port("mqttsn.udp"))
        try await node.connect()
        _ = try await node.subscribe(Self.temperature, qos: 1)
        #expect(try await node.receive().payload == Array("21.5".utf8))
        let libcoap = try await CoAPClients.libcoapObserve(apus, Self.temperature)
        let aiocoap = try await CoAPClients.aiocoapObserve(apus, Self.temperature)

        device.notify("/3303/0/5700", "23.25", sequence: 10)

        #expect(try await mosquitto.messages(2).last?.payload == Array("23.25".utf8))
        #expect(try await node.receive().payload == Array("23.25".utf8))
        try await libcoap.line { $0 == "23.25" }
        try await aiocoap.line { $0 == "NOTIFY 2.05 32332e3235" }
        #expect(try await apus.stop() == 0)
    }

    enum Speaker: CaseIterable { case mqtt, mqttsn, libcoap, aiocoap }

    /// Everybody can write to a device.
    @Test(arguments: Speaker.allCases)
    func whatOthersPublishADeviceReceives(speaker: Speaker) async throws {
        let apus = try await RunningApus()
        let device = try await device(apus)
        let topic = Self.timezone + "/set"
        let value = Array("\"+05:30\"".utf8)
        switch speaker {
        case .mqtt: try await Mosquitto.publish(apus, topic, value)
        case .mqttsn:
            let node = try await MQTTSNClient(clientID: "node", port: apus.port("mqttsn.udp"))
            try await node.connect()
            try await node.publish(node.register(topic), value, qos: 1)
        case .libcoap: try await CoAPClients.libcoapPublish(apus, topic, value, method: "post")
        case .aiocoap: #expect(try await CoAPClients.aiocoap(apus, "post", topic, value).hasPrefix("2.0"))
        }
        let request = try await device.request { $0.path == "/3/0/14" && $0.code == 3 }
        #expect(String(decoding: request.payload, as: UTF8.self) == "+05:30")
    }
}
