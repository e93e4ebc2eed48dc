import MQTTCodec
import NIOCore

enum CodecScenario {
    private static let topic = ByteBuffer(string: "sensors/hall/temperature")
    private static let payload = ByteBuffer(repeating: 0x78, count: 64)

    static func decode(_ count: Int, _ version: ProtocolVersion, properties: Properties) throws -> () -> Void {
        var stream = ByteBuffer()
        for _ in 0..<count {
            let publish = Publish(
                topic: topic, payload: payload, qos: .atLeastOnce, packetIdentifier: 7, properties: properties)
            PacketEncoder.encode(.publish(publish), into: &stream, version: version)
        }
        let octets = Array(stream.readableBytesView)
        return {
            let decoder = PacketDecoder(reading: .client, version: version)
            octets.withUnsafeBytes { octets in
                var rest = octets
                for _ in 0..<count {
                    guard let frame = try? decoder.frame(at: rest), let publish = try? decoder.publish(in: frame) else {
                        preconditionFailure("the stream is one of PUBLISH packets")
                    }
                    precondition(publish.payload.count == 64, "what was written is read")
                    rest = UnsafeRawBufferPointer(rebasing: rest[frame.size...])
                }
            }
        }
    }

    static func encode(_ count: Int) -> () -> Void {
        let topic = "sensors/hall/temperature"
        let payload = [UInt8](repeating: 0x78, count: 64)
        return {
            var buffer = ByteBuffer()
            buffer.reserveCapacity(128 * count)
            for identifier in 1...count {
                let fits = PacketEncoder.encodePublish(
                    PublishHeader(qos: .atLeastOnce, packetIdentifier: UInt16(identifier)),
                    topic: topic.utf8.span.bytes,
                    payload: payload.span.bytes, into: &buffer, version: .v311)
                precondition(fits, "there is no maximum packet size")
            }
        }
    }
}
