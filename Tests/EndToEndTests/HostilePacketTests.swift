import TestKit
import Testing

/// A peer's octets never end the process, and what is wrong is told or counted.
@Suite struct HostilePacketTests {
    @Test func tenThousandMutatedMQTTPacketsLeaveItServing() async throws {
        let apus = try await RunningApus()
        let port = try apus.port("mqtt.tcp")
        let rows = try FixtureTable("mqtt/valid.txt").rows.filter { $0[0] == "client" }
        let connect = octets(hex: "10 10 00 04 4d 51 54 54 05 02 00 3c 00 00 03 64 65 76") ?? []
        var random = SeededGenerator(seed: 1)
        for number in 0..<10_000 {
            let packet = octets(hex: rows[number % rows.count][2]) ?? []
            let socket = try RawSocket(.tcp, port: port)
            // Half of them behind a good CONNECT, where all other packets are read.
            socket.send((number.isMultiple(of: 2) ? connect : []) + random.mutate(packet))
        }
        try await apus.expectServing()
    }

    @Test(arguments: [
        // A second CONNECT, a PUBLISH of QoS 3, a SUBSCRIBE without its flag, a length that never ends, a topic with a wildcard.
        ("10 10 00 04 4d 51 54 54 05 02 00 3c 00 00 03 64 65 76", UInt8(0x82)), ("36 05 00 01 61 00 01", 0x81),
        ("80 06 00 01 00 00 00 00", 0x81), ("30 ff ff ff ff 01", 0x81), ("30 05 00 02 61 23 00", 0x90),
    ])
    func aMalformedMQTTPacketClosesItsConnectionWithTheReason(packet: String, reason: UInt8) async throws {
        let apus = try await RunningApus()
        let socket = try RawSocket(.tcp, port: apus.port("mqtt.tcp"))
        socket.send(octets(hex: "10 10 00 04 4d 51 54 54 05 02 00 3c 00 00 03 64 65 76") ?? [])
        try await socket.wait { $0.octets.first == 0x20 ? true : nil }
        socket.clear()
        socket.send(octets(hex: packet) ?? [])
        let answer = try await socket.wait { $0.isClosed ? $0.octets : nil }
        #expect(answer.first == 0xE0, "DISCONNECT (MQTT 5.0, 4.13)")
        #expect(answer.dropFirst(2).first == reason)
        try await apus.expectServing()
    }
}
