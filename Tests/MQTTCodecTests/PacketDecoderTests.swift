import MQTTCodec
import NIOCore
import TestKit
import Testing

@Suite struct PacketDecoderTests {
    @Test func connectIsReadFieldByField() throws {
        let vector = try #require(PacketVector.valid.first { $0.note.contains("user name and password") })
        var decoder = PacketDecoder(reading: .client)
        var buffer = ByteBuffer(bytes: vector.octets)
        guard case .connect(let connect) = try decoder.decode(from: &buffer) else {
            Issue.record("no CONNECT")
            return
        }
        #expect(connect.version == .v311)
        #expect(connect.clientIdentifier == "dev")
        #expect(connect.cleanStart)
        #expect(connect.keepAlive == 60)
        #expect(connect.will?.topic == "dev/status")
        #expect(connect.will?.qos == .atLeastOnce)
        #expect(connect.will?.isRetained == true)
        #expect(connect.will.map { String(buffer: $0.payload) } == "gone")
        #expect(connect.userName == "u")
        #expect(connect.password?.bytes == ByteBuffer(bytes: [0x00, 0xFF]))
        #expect(!"\(connect)".contains("255"), "a password is never printed")
    }

    @Test func publishIsReadFieldByField() throws {
        var decoder = PacketDecoder(reading: .client, version: .v5)
        let octets: [UInt8] = [0x3D, 0x0A, 0, 1, 0x61, 0, 7, 2, 0x01, 1, 0x68, 0x69]
        var buffer = ByteBuffer(bytes: octets)
        let expected = Publish(
            topic: ByteBuffer(string: "a"), payload: ByteBuffer(string: "hi"), qos: .exactlyOnce, packetIdentifier: 7,
            isRetained: true, isDuplicate: true, properties: [.payloadFormatIndicator(true)])
        #expect(try decoder.decode(from: &buffer) == .publish(expected))
    }

    /// Read at a glance is only what says success and no more; the rest is read in full and gets its error.
    @Test(
        arguments: [
            ([0x40, 2, 0, 7], 7), ([0x50, 2, 1, 0], 256), ([0x62, 2, 0, 1], 1), ([0x70, 2, 0xFF, 0xFF], 65_535),
            ([0x40, 2, 0, 0], nil), ([0x40, 3, 0, 7, 0x10], nil), ([0x40, 3, 0, 7, 0x87], nil), ([0xB0, 2, 0, 7], nil),
            ([0x30, 3, 0, 1, 0x61], nil),
        ] as [([UInt8], UInt16?)])
    func aPlainAcknowledgementIsItsIdentifier(octets: [UInt8], identifier: UInt16?) throws {
        let decoder = PacketDecoder(reading: octets[0] == 0xB0 ? .server : .client, version: .v5)
        try octets.withUnsafeBytes { octets in
            let frame = try #require(try decoder.frame(at: octets))
            #expect(frame.plainAcknowledgement?.rawValue == identifier)
            #expect(frame.size == octets.count)
        }
    }

    @Test(arguments: [[0x60, 2, 0, 7], [0x68, 2, 0, 7], [0x41, 2, 0, 7], [0x58, 2, 0, 7]] as [[UInt8]])
    func anAcknowledgementWithWrongFlagsIsRefused(octets: [UInt8]) throws {
        let decoder = PacketDecoder(reading: .client, version: .v5)
        _ = octets.withUnsafeBytes { octets in
            #expect(throws: DecodeError.self) { try decoder.frame(at: octets) }
        }
    }

    /// A length of three or four bytes, or one that is not as short as it could be, is not read at a glance, and means the same.
    @Test(arguments: [0, 125, 126, 127, 128, 16_381, 16_382, 16_383, 20_000, 2_097_152])
    func everyLengthOfAPublishIsRead(payload: Int) throws {
        let publish = Publish(
            topic: ByteBuffer(string: "a"), payload: ByteBuffer(repeating: 7, count: payload), qos: .atMostOnce)
        var buffer = ByteBuffer()
        PacketEncoder.encode(.publish(publish), into: &buffer, version: .v311)
        var limits = Limits()
        limits.packetSize = 3_000_000
        var decoder = PacketDecoder(reading: .client, version: .v311, limits: limits)
        #expect(try decoder.decode(from: &buffer) == .publish(publish))
        #expect(buffer.readableBytes == 0)
    }

    @Test func theVersionIsKnownEvenWhenTheRestOfConnectIsMalformed() {
        var decoder = PacketDecoder(reading: .client)
        var buffer = ByteBuffer(bytes: [0x10, 0x08, 0, 4, 0x4D, 0x51, 0x54, 0x54, 5, 1])
        #expect(throws: DecodeError.invalidFlags(.connect)) { try decoder.decode(from: &buffer) }
        #expect(decoder.version == .v5)
    }

    @Test func aPacketThatAnnouncesTooMuchIsRefusedBeforeItArrives() {
        var limits = Limits()
        limits.packetSize = 100
        var decoder = PacketDecoder(reading: .client, version: .v5, limits: limits)
        var buffer = ByteBuffer(bytes: [0x30, 0x63])
        #expect(throws: DecodeError.packetTooLarge(declared: 101, limit: 100)) { try decoder.decode(from: &buffer) }
        buffer = ByteBuffer(bytes: [0x30, 0x62])
        #expect(throws: Never.self) { try decoder.decode(from: &buffer) }
    }

    @Test func aPacketWithTooManyFiltersOrPropertiesIsRefused() {
        var limits = Limits()
        limits.filtersPerPacket = 2
        limits.propertiesPerPacket = 2
        let filters = (0..<3).map { Subscribe.Filter("f\($0)", qos: .atMostOnce) }
        let pair = Property.userProperty(name: "n", value: "v")
        let packets: [Packet] = [
            .subscribe(Subscribe(1, filters: filters)),
            .unsubscribe(Unsubscribe(1, filters: filters.map(\.filter))),
            .disconnect(Disconnect(properties: [pair, pair, pair])),
        ]
        for packet in packets {
            var buffer = ByteBuffer()
            PacketEncoder.encode(packet, into: &buffer, version: .v5)
            var decoder = PacketDecoder(reading: .client, version: .v5, limits: limits)
            #expect(throws: DecodeError.tooManyFields(packet.type)) { try decoder.decode(from: &buffer) }
        }
    }

    @Test func lengthsPaddedByOldModemsAreReadBefore5() throws {
        var decoder = PacketDecoder(reading: .client, version: .v311)
        var buffer = ByteBuffer(bytes: [0xC0, 0x80, 0x80, 0x00])
        #expect(try decoder.decode(from: &buffer) == .pingreq)
    }

    @Test func whatIsSentAgainMayCarryDUPIn31() throws {
        var decoder = PacketDecoder(reading: .client, version: .v31)
        var buffer = ByteBuffer(bytes: [0x6A, 0x02, 0x00, 0x01])
        #expect(try decoder.decode(from: &buffer) == .pubrel(Acknowledgement(1)))
    }
}
