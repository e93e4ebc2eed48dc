import MQTTCodec
import NIOCore
import Testing

@Suite struct PacketVectorTests {
    @Test func theFixturesAreRead() {
        #expect(PacketVector.valid.count >= 65)
        #expect(PacketVector.invalid.count >= 116)
    }

    @Test(arguments: PacketVector.valid)
    func aValidPacketIsReadAndWrittenBackAsItWas(_ vector: PacketVector) throws {
        var decoder = vector.decoder
        var buffer = ByteBuffer(bytes: vector.octets)
        let packet = try #require(try decoder.decode(from: &buffer))
        #expect(buffer.readableBytes == 0)
        #expect(decoder.version == vector.version)
        var written = ByteBuffer()
        PacketEncoder.encode(packet, into: &written, version: try #require(vector.version))
        #expect(Array(written.readableBytesView) == vector.octets)
    }

    @Test(arguments: PacketVector.valid)
    func aPacketThatArrivesByteByByteIsReadWithItsLastByte(_ vector: PacketVector) throws {
        var decoder = vector.decoder
        var buffer = ByteBuffer()
        for octet in vector.octets.dropLast() {
            buffer.writeInteger(octet)
            #expect(try decoder.decode(from: &buffer) == nil)
        }
        buffer.writeBytes(vector.octets.suffix(1))
        #expect(try decoder.decode(from: &buffer) != nil)
        #expect(buffer.readableBytes == 0)
    }

    @Test(arguments: PacketVector.valid)
    func aPacketFollowedByAnotherLeavesItAlone(_ vector: PacketVector) throws {
        var decoder = vector.decoder
        var buffer = ByteBuffer(bytes: vector.octets + [0xC0])
        #expect(try decoder.decode(from: &buffer) != nil)
        #expect(buffer.readableBytes == 1)
    }

    /// The length says there is less than the fields need: never a trap, never a read beyond the packet.
    @Test(arguments: PacketVector.valid.filter { $0.octets.count < 128 })
    func aPacketCutShortWithAMatchingLengthIsReadOrRefused(_ vector: PacketVector) {
        for length in 0..<vector.octets.count - 2 {
            var decoder = vector.decoder
            let cut = [vector.octets[0], UInt8(length)] + vector.octets[2..<2 + length]
            var buffer = ByteBuffer(bytes: cut + [0xFF])
            _ = try? decoder.decode(from: &buffer)
            #expect(buffer.readableBytes >= 1)
        }
    }

    @Test(arguments: PacketVector.invalid)
    func bytesThatAreNoPacketAreRefusedWithTheirReason(_ vector: PacketVector) throws {
        var decoder = vector.decoder
        var buffer = ByteBuffer(bytes: vector.octets)
        let error = #expect(throws: DecodeError.self) { try decoder.decode(from: &buffer) }
        let name = String(describing: try #require(error)).prefix { $0 != "(" }
        #expect(String(name) == vector.error)
        #expect(error?.reasonCode.isFailure == true)
    }
}
