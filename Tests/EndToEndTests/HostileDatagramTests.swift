import TestKit
import Testing

/// A peer's octets never end the process, and what is wrong is told or counted.
@Suite struct HostileDatagramTests {
    @Test(arguments: DatagramProtocol.allCases)
    func tenThousandMutatedDatagramsLeaveItServing(kind: DatagramProtocol) async throws {
        let apus = try await RunningApus()
        let socket = try RawSocket(.udp, port: apus.port(kind.listener))
        var random = SeededGenerator(seed: 2)
        for number in 0..<10_000 {
            socket.send(random.mutate(kind.seeds[number % kind.seeds.count]))
            // The system drops datagrams nobody reads in time; an answer shows that the gateway has caught up.
            if number % 100 == 99 { try await ping(socket, kind, number) }
        }
        try await apus.expectServing()
    }

    @Test(arguments: DatagramProtocol.allCases)
    func aMalformedDatagramIsDroppedAndCounted(kind: DatagramProtocol) async throws {
        let apus = try await RunningApus(["sys_interval=100ms"])
        let socket = try RawSocket(.udp, port: apus.port(kind.listener))
        socket.send(kind.malformed)
        let topic = "$SYS/broker/gateways/\(kind.gateway)/datagrams_malformed"
        let watcher = try Program(
            "mosquitto_sub", ["-h", "127.0.0.1", "-p", "\(try apus.port("mqtt.tcp"))", "-t", topic])
        try await watcher.line { $0 == "1" }
    }

    private func ping(_ socket: RawSocket, _ kind: DatagramProtocol, _ number: Int) async throws {
        // Asked again each second: a question may get lost, and strangers are answered once in a while only.
        for _ in 0..<60 {
            socket.clear()
            socket.send(kind.ping(UInt16(truncatingIfNeeded: number)))
            if (try? await socket.wait(within: .seconds(1)) { $0.pieces.isEmpty ? nil : true }) != nil { return }
        }
        throw Program.Missing(description: "no answer from \(kind) after \(number) datagrams")
    }
}

/// The protocols over UDP, with valid datagrams to begin mutations from.
enum DatagramProtocol: CaseIterable, CustomTestStringConvertible {
    case mqttsn, coap, lwm2m

    var testDescription: String { gateway }

    var gateway: String {
        switch self {
        case .mqttsn: "mqttsn"
        case .coap, .lwm2m: "coap"
        }
    }

    var listener: String { "\(gateway).udp" }

    var seeds: [[UInt8]] {
        let texts =
            switch self {
            case .mqttsn:
                [
                    "03 01 01", "09 04 04 01 00 3c 64 65 76", "09 04 0c 01 00 3c 64 65 76",
                    "0b 0a 00 00 00 01 61 2f 62 63 64",
                    "09 0c 22 00 01 00 02 68 69", "08 12 20 00 03 61 2f 62", "07 0d 00 01 00 02 00", "02 16",
                    "05 16 64 65 76", "04 18 00 3c", "09 0c 62 61 62 00 00 68 69", "08 07 00 77 2f 69 6c 6c",
                    "0b fe 01 61 62 63 02 16 00 00 00", "07 14 20 00 04 61 62",
                ]
            case .coap:
                [
                    "44 02 00 01 aa bb cc dd b2 70 73 01 61 ff 68 69", "41 01 00 02 01 60 52 70 73 01 61",
                    "40 01 00 03 bb 2e 77 65 6c 6c 2d 6b 6e 6f 77 6e 04 63 6f 72 65", "50 04 00 04 b2 70 73 01 61",
                    "42 03 00 05 01 02 b2 70 73 01 61 d1 03 08 ff 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f 70",
                    "40 00 00 06", "60 00 00 07", "70 00 00 08",
                ]
            case .lwm2m:
                [
                    "44 02 00 09 01 02 03 04 b2 72 64 11 28 35 65 70 3d 78 78 07 6c 74 3d 38 36 34 30 30 09 6c 77 6d 32 6d 3d 31 2e 31 "
                        + "ff 3c 2f 33 2f 30 3e 2c 3c 2f 33 33 30 33 2f 30 3e",
                    "44 02 00 0a 01 02 03 04 b2 72 64 01 31", "44 04 00 0b 01 02 03 04 b2 72 64 01 31",
                ]
            }
        return texts.compactMap { octets(hex: $0) }
    }

    /// A request that is always answered.
    func ping(_ number: UInt16) -> [UInt8] {
        switch self {
        case .mqttsn: [3, 1, 1]  // SEARCHGW (MQTT-SN 1.2, 5.4.2)
        case .coap, .lwm2m: [0x40, 0, UInt8(number >> 8), UInt8(number & 0xFF)]  // CoAP ping (RFC 7252 4.3)
        }
    }

    /// Too short for its own length field; a token longer than the datagram.
    var malformed: [UInt8] {
        switch self {
        case .mqttsn: [9, 4, 4]
        case .coap, .lwm2m: [0x48, 1, 0, 1, 1]
        }
    }
}
