import MQTTCodec
import NIOCore

/// A stream of packets is read the same in one piece and in many, and each packet survives writing and reading.
///
///     instruction:  | size of the pieces (5 bits) | version (2) | sender (1) |
struct CodecProperty {
    private let sender: Sender
    /// Nil: from CONNECT on.
    private let version: ProtocolVersion?
    private let pieceSize: Int

    init(_ instruction: UInt8) {
        sender = instruction & 1 == 0 ? .client : .server
        let level = ProtocolVersion(rawValue: 2 + (instruction >> 1 & 0b11))
        version = level ?? (sender == .server ? .v5 : nil)
        pieceSize = max(1, Int(instruction >> 3))
    }

    /// The instruction under which a peer's octets are read as `sender` and `version` have it.
    static func instruction(_ sender: Sender, _ version: ProtocolVersion?, pieceSize: UInt8 = 1) -> UInt8 {
        pieceSize << 3 | (version.map { $0.rawValue - 2 } ?? 0) << 1 | (sender == .client ? 0 : 1)
    }

    func check(_ octets: [UInt8]) throws(PropertyViolation) {
        let whole = read([octets[...]])
        let cut = pieces(of: octets, size: pieceSize)
        try require(whole == read(cut), "pieces of \(pieceSize) are read as something else")
        try require(whole == readInPlace(cut), "pieces of \(pieceSize) read in place are read as something else")
        for read in whole.packets { try check(read) }
    }

    // MARK: - Reading

    private struct ReadPacket: Equatable {
        let packet: Packet
        let version: ProtocolVersion
        let size: Int
    }

    private struct Stream: Equatable {
        var packets: [ReadPacket] = []
        var error: DecodeError?
    }

    private func read(_ pieces: [ArraySlice<UInt8>]) -> Stream {
        var decoder = PacketDecoder(reading: sender, version: version)
        var buffer = ByteBuffer()
        var stream = Stream()
        for piece in pieces {
            buffer.writeBytes(piece)
            do throws(DecodeError) {
                while let packet = try next(&decoder, &buffer) { stream.packets.append(packet) }
            } catch {
                stream.error = error
                return stream
            }
        }
        return stream
    }

    /// As a connection does: only the packet that a piece cuts is put together, the others are read where they lie.
    private func readInPlace(_ pieces: [ArraySlice<UInt8>]) -> Stream {
        var decoder = PacketDecoder(reading: sender, version: version)
        var rest = ByteBuffer()
        var stream = Stream()
        for piece in pieces {
            var more = ByteBuffer(bytes: piece)
            do throws(DecodeError) {
                if rest.readableBytes > 0 {
                    let missing = decoder.octetsMissing(from: &rest, with: &more) ?? 0
                    if var end = more.readSlice(length: min(missing, more.readableBytes)) { rest.writeBuffer(&end) }
                    while let packet = try next(&decoder, &rest) { stream.packets.append(packet) }
                }
                guard rest.readableBytes == 0 else { continue }
                while let packet = try next(&decoder, &more) { stream.packets.append(packet) }
                rest = more
            } catch {
                stream.error = error
                return stream
            }
        }
        return stream
    }

    private func next(_ decoder: inout PacketDecoder, _ buffer: inout ByteBuffer) throws(DecodeError) -> ReadPacket? {
        let before = buffer.readableBytes
        guard let packet = try decoder.decode(from: &buffer), let version = decoder.version else { return nil }
        return ReadPacket(packet: packet, version: version, size: before - buffer.readableBytes)
    }

    // MARK: - Writing

    private func check(_ read: ReadPacket) throws(PropertyViolation) {
        let written = write(read.packet, read.version)
        try require(written.readableBytes <= read.size, "written longer than it was read: \(read.packet)")
        try require(
            readBack(written, read.version) == read.packet, "does not survive writing and reading: \(read.packet)")
        let shorter = read.packet.withoutExplanation
        let shortened = write(shorter, read.version)
        try require(shortened.readableBytes <= written.readableBytes, "longer without explanation: \(read.packet)")
        try require(readBack(shortened, read.version) == shorter, "not readable without explanation: \(read.packet)")
        if case .publish(let publish) = read.packet {
            try require(deliver(publish, read.version) == written, "a delivery is written otherwise: \(read.packet)")
        }
    }

    private func write(_ packet: Packet, _ version: ProtocolVersion) -> ByteBuffer {
        var buffer = ByteBuffer()
        PacketEncoder.encode(packet, into: &buffer, version: version)
        return buffer
    }

    private func readBack(_ written: ByteBuffer, _ version: ProtocolVersion) -> Packet? {
        var buffer = written
        let isConnect = written.getInteger(at: written.readerIndex, as: UInt8.self) == PacketType.connect.rawValue << 4
        var decoder = PacketDecoder(reading: sender, version: isConnect ? nil : version)
        guard let packet = try? decoder.decode(from: &buffer), buffer.readableBytes == 0 else { return nil }
        return packet
    }

    /// The way of every message to a subscriber.
    private func deliver(_ publish: Publish, _ version: ProtocolVersion) -> ByteBuffer {
        var buffer = ByteBuffer()
        let header = PublishHeader(
            qos: publish.qos, isRetained: publish.isRetained, isDuplicate: publish.isDuplicate,
            packetIdentifier: publish.packetIdentifier?.rawValue ?? 0)
        _ = PacketEncoder.encodePublish(
            header, topic: publish.topic.readableBytesUInt8Span.bytes,
            properties: DeliveryProperties(message: publish.properties),
            payload: publish.payload.readableBytesSpan, into: &buffer, version: version)
        return buffer
    }
}
