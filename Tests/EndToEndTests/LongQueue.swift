import LoadGenerator
import MQTTCodec
import NIOCore
import Synchronization
import TestKit

/// Fills one client's queue while it is away, and empties it again: numbered messages at QoS 1, every one checked.
struct LongQueue: Sendable {
    var clientID = "long"
    var topic = "long/queue"
    /// Messages on the way at once, below the gateway's receive maximum.
    var window = 1_000
    /// Octets of each payload, 8 or more.
    var payloadOctets = 200

    init() {}

    /// Subscribes for a session that outlives the connection, and leaves.
    func subscribe(port: Int) async throws {
        let socket = try talk(port: port, as: clientID, keepsSession: true) { packet in
            switch packet {
            case .connack: [.subscribe(Subscribe(1, filters: [Subscribe.Filter(topic, qos: .atLeastOnce)]))]
            case .suback: [.disconnect(Disconnect())]
            default: []
            }
        }
        try await socket.wait { $0.isClosed ? true : nil }
    }

    /// Publishes messages `numbers`; all are acknowledged when this returns.
    func publish(_ numbers: Range<UInt64>, port: Int) async throws {
        let progress = Mutex((next: numbers.lowerBound, acknowledged: numbers.lowerBound))
        let socket = try talk(port: port, as: "filler", keepsSession: false) { packet in
            progress.withLock { progress in
                switch packet {
                case .connack: break
                case .puback(let answer) where !answer.reasonCode.isFailure: progress.acknowledged += 1
                default: return [.disconnect(Disconnect())]
                }
                if progress.acknowledged == numbers.upperBound { return [.disconnect(Disconnect())] }
                let end = min(numbers.upperBound, progress.acknowledged + UInt64(window))
                defer { progress.next = max(progress.next, end) }
                return (min(progress.next, end)..<end).map { publication($0) }
            }
        }
        try await socket.wait(within: .seconds(600)) { $0.isClosed ? true : nil }
        let acknowledged = progress.withLock { $0.acknowledged }
        guard acknowledged == numbers.upperBound else {
            throw Program.Missing(description: "only messages below \(acknowledged) were acknowledged")
        }
    }

    private func publication(_ number: UInt64) -> Packet {
        var payload = ByteBuffer()
        payload.writeInteger(number)
        payload.writeRepeatingByte(0x61, count: payloadOctets - 8)
        return .publish(
            Publish(
                topic: ByteBuffer(string: topic), payload: payload, qos: .atLeastOnce,
                packetIdentifier: PacketIdentifier(UInt16(number % 65_535) + 1)))
    }

    /// Takes and acknowledges `count` messages.
    /// - Returns: what came and in which order.
    func receive(_ count: Int, port: Int) async throws -> SequenceCheck {
        let check = Shared(SequenceCheck())
        let socket = try talk(port: port, as: clientID, keepsSession: true) { packet in
            guard case .publish(let publish) = packet, let identifier = publish.packetIdentifier else { return [] }
            let isLast = check.change { check in
                if let number = publish.payload.getInteger(at: publish.payload.readerIndex, as: UInt64.self) {
                    check.record(number)
                }
                return check.distinct >= count
            }
            return [.puback(Acknowledgement(identifier))] + (isLast ? [.disconnect(Disconnect())] : [])
        }
        try await socket.wait(within: .seconds(600)) { $0.isClosed ? true : nil }
        return check.read { $0 }
    }

    private func talk(
        port: Int, as clientID: String, keepsSession: Bool, _ answer: @escaping @Sendable (Packet) -> [Packet]
    ) throws -> RawSocket {
        let state = Mutex((decoder: PacketDecoder(reading: .server, version: .v5), received: ByteBuffer()))
        let socket = try RawSocket(.tcp, port: port, keepsPieces: false) { piece in
            let packets = state.withLock { state in
                state.received.discardReadBytes()
                state.received.writeBytes(piece)
                var packets: [Packet] = []
                while let packet = try? state.decoder.decode(from: &state.received) { packets.append(packet) }
                return packets
            }
            var octets = ByteBuffer()
            for packet in packets.flatMap(answer) { PacketEncoder.encode(packet, into: &octets, version: .v5) }
            return octets.readableBytes == 0 ? [] : [Array(octets.readableBytesView)]
        }
        let connect = Connect(
            version: .v5, clientIdentifier: clientID, cleanStart: !keepsSession,
            properties: keepsSession ? [.sessionExpiryInterval(3_600)] : [])
        var octets = ByteBuffer()
        PacketEncoder.encode(.connect(connect), into: &octets, version: .v5)
        socket.send(Array(octets.readableBytesView))
        return socket
    }
}
