import TestKit
import Testing

/// MQTT clients of other people's making against the gateway.
@Suite struct MQTTTests {
    @Test(arguments: ["31", "311", "5"], [0, 1, 2])
    func aMessageArrivesAsItWasSent(version: String, qos: Int) async throws {
        let apus = try await RunningApus()
        let payload = (0...255).map { UInt8($0) }
        let subscriber = try await Mosquitto.subscribe(apus, "a/+", qos: 2, version: version)
        try await Mosquitto.publish(apus, "a/b", payload, qos: qos, version: version)
        #expect(try await subscriber.messages(1) == [MosquittoMessage(qos: qos, topic: "a/b", payload: payload)])
        #expect(try await apus.stop() == 0)
    }

    @Test func aRetainedMessageWaitsForItsSubscriberUntilCleared() async throws {
        let apus = try await RunningApus()
        try await Mosquitto.publish(apus, "r/1", [1], ["-r"])
        let first = try await Mosquitto.subscribe(apus, "r/#")
        #expect(try await first.messages(1) == [MosquittoMessage(qos: 1, isRetained: true, topic: "r/1", payload: [1])])
        try await Mosquitto.publish(apus, "r/1", [], ["-r"])
        try await Mosquitto.publish(apus, "r/2", [2], ["-r"])
        let second = try await Mosquitto.subscribe(apus, "r/#")
        #expect(try await second.messages(1) == [MosquittoMessage(qos: 1, isRetained: true, topic: "r/2", payload: [2])])
    }

    @Test func aSessionIsContinued() async throws {
        let apus = try await RunningApus()
        let stay = ["-i", "durable", "-c", "-x", "3600"]
        let first = try await Mosquitto.subscribe(apus, "s/#", stay)
        first.program.signal(15)
        _ = try await first.program.exitStatus()
        for number in 1...3 { try await Mosquitto.publish(apus, "s/\(number)", [UInt8(number)], qos: 2) }
        let second = try await Mosquitto.subscribe(apus, "other", stay)
        #expect(try await second.messages(3).map(\.payload) == [[1], [2], [3]])
    }

    @Test func aLostClientsWillIsPublished() async throws {
        let apus = try await RunningApus()
        let watcher = try await Mosquitto.subscribe(apus, "will/#")
        let doomed = try await Mosquitto.subscribe(
            apus, "x", ["--will-topic", "will/me", "--will-payload", "gone", "--will-qos", "1"])
        doomed.program.signal(9)
        #expect(
            try await watcher.messages(1) == [MosquittoMessage(qos: 1, topic: "will/me", payload: Array("gone".utf8))])
    }

    @Test func aSharedSubscriptionGivesEachMessageToOneMember() async throws {
        let apus = try await RunningApus()
        let members = [
            try await Mosquitto.subscribe(apus, "$share/g/j/#"), try await Mosquitto.subscribe(apus, "$share/g/j/#"),
        ]
        for number in 0..<10 { try await Mosquitto.publish(apus, "j/\(number)", [UInt8(number)]) }
        for member in members { try await Mosquitto.publish(apus, "j/end", [99]); _ = member }
        let all = try await withThrowingTaskGroup(of: [MosquittoMessage].self) { group in
            for member in members { group.addTask { try await member.messages(6) } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(all.map(\.payload)).count == 11)
        #expect(all.count == 12)
    }

    @Test func apusPubAndSubSpeakToIt() async throws {
        let apus = try await RunningApus()
        let port = "\(try apus.port("mqtt.tcp"))"
        try await Mosquitto.publish(apus, "k", Array("hello".utf8), ["-r"])
        let subscriber = try RunningApus.start(["sub", "-p", port, "-t", "k", "-C", "2", "-W", "20", "-v", "-q", "2"])
        try await subscriber.line { $0 == "k hello" }
        let publisher = try RunningApus.start(["pub", "-p", port, "-t", "k", "-m", "again", "-q", "2"])
        #expect(try await publisher.exitStatus() == 0)
        #expect(try await subscriber.exitStatus() == 0)
        #expect(subscriber.lines == ["k hello", "k again"])
    }

    @Test func stoppingSaysGoodbyeToItsClients() async throws {
        let apus = try await RunningApus()
        let client = try RawSocket(.tcp, port: apus.port("mqtt.tcp"))
        client.send(octets(hex: "10 10 00 04 4d 51 54 54 05 02 00 3c 00 00 03 64 65 76") ?? [])
        try await client.wait { $0.octets.first == 0x20 ? true : nil }
        client.clear()
        #expect(try await apus.stop() == 0)
        // DISCONNECT with reason 0x8B, server shutting down (MQTT 5.0, 3.14.2.1).
        let goodbye = try await client.wait { $0.isClosed ? $0.octets : nil }
        #expect(goodbye.first == 0xE0)
        #expect(goodbye.dropFirst(2).first == 0x8B)
    }
}
