import MQTTCodec
import NIOCore

/// Publishes numbered messages until its time is over, with at most `window` on the way, then the end message.
struct LoadPublisher: LoadRole {
    private let publisher: UInt32
    private let topic: ByteBuffer
    private let qos: QoS
    private let window: Int
    private let deadline: NIODeadline
    private var number: UInt64 = 0
    private var identifier: UInt16 = 0
    private var onTheWay = 0
    private var told: UInt64 = 0
    private var endIsSent = false

    init(publisher: UInt32, topic: String, qos: QoS, window: Int, deadline: NIODeadline) {
        self.publisher = publisher
        self.topic = ByteBuffer(string: topic)
        self.qos = qos
        self.window = window
        self.deadline = deadline
    }

    mutating func begin() -> [Packet] { fill() }

    mutating func receive(_ packet: Packet) -> [Packet] {
        switch packet {
        case .pubrec(let answer): return [.pubrel(Acknowledgement(answer.packetIdentifier))]
        case .puback, .pubcomp: onTheWay -= 1
        case .pingresp: onTheWay = 0
        default: return []
        }
        return fill()
    }

    mutating func tell(_ report: inout LoadReport) {
        report.published += Int(number - told)
        told = number
    }

    private mutating func fill() -> [Packet] {
        guard !endIsSent else { return [] }
        if NIODeadline.now() >= deadline { return end() }
        guard onTheWay < window else { return [] }
        var packets: [Packet] = []
        while onTheWay < window {
            packets.append(publish(number, qos))
            number += 1
            onTheWay += 1
        }
        // QoS 0 has no acknowledgement; the answer to a PINGREQ stands for it, so that a run measures what the broker
        // takes and not what socket buffers hold.
        if qos == .atMostOnce { packets.append(.pingreq) }
        return packets
    }

    private mutating func end() -> [Packet] {
        guard onTheWay == 0 else { return [] }
        endIsSent = true
        return [publish(LoadPayload.end, .atLeastOnce)]
    }

    private mutating func publish(_ number: UInt64, _ qos: QoS) -> Packet {
        identifier = identifier == .max ? 1 : identifier + 1
        return .publish(
            Publish(
                topic: topic, payload: LoadPayload.make(publisher: publisher, number: number), qos: qos,
                packetIdentifier: qos == .atMostOnce ? nil : PacketIdentifier(identifier)))
    }
}
