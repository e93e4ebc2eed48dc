import MQTTCodec
import NIOCore
import TestKit

/// An MQTT 5.0 connection packet by packet, for reason codes that client programs do not show.
struct MQTTTalk {
    private let socket: RawSocket

    /// Connects; the session goes on if there is one.
    /// - Parameter expiry: seconds the session outlives the connection.
    init(_ apus: RunningApus, _ clientIdentifier: String, expiry: UInt32 = 0) async throws {
        socket = try RawSocket(.tcp, port: apus.port("mqtt.tcp"))
        send(
            .connect(
                Connect(
                    version: .v5, clientIdentifier: clientIdentifier, cleanStart: expiry == 0,
                    properties: [.sessionExpiryInterval(expiry)])))
        _ = try await answers { packets in packets.first { if case .connack = $0 { true } else { false } } }
    }

    func send(_ packets: Packet...) {
        var octets = ByteBuffer()
        for packet in packets { PacketEncoder.encode(packet, into: &octets, version: .v5) }
        socket.send(Array(octets.readableBytesView))
    }

    func publish(_ topic: String, _ payload: [UInt8], _ qos: QoS, _ identifier: UInt16) {
        send(
            .publish(
                Publish(
                    topic: ByteBuffer(string: topic), payload: ByteBuffer(bytes: payload), qos: qos,
                    packetIdentifier: qos == .atMostOnce ? nil : PacketIdentifier(identifier))))
    }

    /// Waits until what has come since the last `forget` satisfies `condition`.
    func answers<Result: Sendable>(_ condition: @escaping @Sendable ([Packet]) -> Result?) async throws -> Result {
        try await socket.wait { received in
            var octets = ByteBuffer(bytes: received.octets)
            var decoder = PacketDecoder(reading: .server, version: .v5)
            var packets: [Packet] = []
            while let packet = try? decoder.decode(from: &octets) { packets.append(packet) }
            return condition(packets)
        }
    }

    /// Forgets what has come, when that are whole packets.
    func forget() { socket.clear() }

    /// The reason of the acknowledgement of `identifier`.
    func acknowledgement(of identifier: UInt16) async throws -> ReasonCode {
        try await answers { packets in
            for packet in packets {
                switch packet {
                case .puback(let answer), .pubrec(let answer):
                    if answer.packetIdentifier.rawValue == identifier { return answer.reasonCode }
                default: break
                }
            }
            return nil
        }
    }
}
