import NIOCore
import TestKit
import Testing

@testable import MQTTSN

@Suite("Packet")
struct PacketTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let version: ProtocolVersion
        let octets: [UInt8]
        let expectation: String
        let note: String
        var testDescription: String { "\(hex(octets)) \(expectation) \(note)" }
    }

    static let valid = vectors("mqttsn/valid.txt", .v12) + vectors("mqttsn/valid-2.0.txt", .v20)
    static let invalid = vectors("mqttsn/invalid.txt", .v12) + vectors("mqttsn/invalid-2.0.txt", .v20)

    private static func vectors(_ path: String, _ version: ProtocolVersion) -> [Vector] {
        let rows = (try? FixtureTable(path).rows) ?? []
        return rows.filter { $0.count == 4 }.map {
            Vector(version: version, octets: octets(hex: $0[0]) ?? [], expectation: $0[1], note: $0[2])
        }
    }

    private func decode(
        _ octets: [UInt8], _ limits: Limits = Limits(), in version: ProtocolVersion = .v12
    ) throws(DecodeError) -> Packet {
        try Packet.decode(from: ByteBuffer(bytes: octets), limits: limits, version: version)
    }

    private func encode(_ packet: Packet, in version: ProtocolVersion = .v12) -> [UInt8] {
        var buffer = ByteBuffer()
        packet.encode(into: &buffer, version: version)
        #expect(buffer.readableBytes == packet.encodedLength(in: version))
        return Array(buffer.readableBytesView)
    }

    @Test(arguments: ProtocolVersion.allCases) func everyTypeHasAVector(_ version: ProtocolVersion) {
        // Protection is refused, not read.
        let types = PacketType.allCases.filter { $0.code(in: version) != nil && $0 != .protectionEncapsulation }
        #expect(Set(Self.valid.filter { $0.version == version }.map(\.expectation)) == Set(types.map { "\($0)" }))
    }

    @Test(arguments: valid) func isReadAndWrittenBack(_ vector: Vector) throws {
        let packet = try decode(vector.octets, in: vector.version)
        #expect("\(packet.type)" == vector.expectation)
        // A SUBSCRIBE of reserved type has nothing to write back but its flags.
        #expect(encode(packet, in: vector.version) == vector.octets)
    }

    @Test(arguments: valid) func isReadInTheLongForm(_ vector: Vector) throws {
        let packet = try decode(vector.octets, in: vector.version)
        guard packet.type != .forwarderEncapsulation else { return }
        let length = UInt16(vector.octets.count + 2)
        let long = [0x01, UInt8(length >> 8), UInt8(length & 0xFF)] + vector.octets.dropFirst()
        #expect(try decode(long, in: vector.version) == packet)
    }

    @Test(arguments: invalid) func isRefused(_ vector: Vector) {
        do {
            let packet = try decode(vector.octets, in: vector.version)
            Issue.record("read as \(packet)")
        } catch {
            let text = "\(error)".replacing("MQTTSN.PacketType.", with: "")
            #expect(text == vector.expectation)
        }
    }

    @Test(arguments: valid) func isRefusedWhenCutAnywhere(_ vector: Vector) {
        for length in 0..<vector.octets.count {
            let cut = Array(vector.octets.prefix(length))
            guard let packet = try? decode(cut, in: vector.version) else { continue }
            // What an encapsulation carries is decoded on its own.
            #expect(packet.type == .forwarderEncapsulation)
        }
    }

    @Test func ignoresATailWhereTheListenerToleratesIt() throws {
        let tolerant = Limits(toleratesTrailingOctets: true)
        #expect(try decode([0x02, 0x16, 0x00, 0x00], tolerant) == .pingreq(clientID: nil))
        #expect(try decode([0x05, 0x18, 0x00, 0x3C, 0x00], tolerant) == .disconnect(duration: 60))
        #expect(throws: DecodeError.lengthMismatch) { try decode([0x05, 0x18, 0x00, 0x3C], tolerant) }
    }

    @Test(arguments: [254, 255, 258, 300, 1472]) func usesTheShortFormWhereItCan(length: Int) throws {
        let header = length <= 255 ? 7 : 9
        let publish = Packet.Publish(
            qos: .atLeastOnce, topicID: .normal(1), messageID: 1,
            payload: ByteBuffer(repeating: 0x61, count: length - header))
        let octets = encode(.publish(publish))
        #expect(octets.count == length)
        #expect(octets[0] == (length <= 255 ? UInt8(length) : 0x01))
        #expect(try decode(octets) == .publish(publish))
    }

    @Test func refusesWhatIsLongerThanTheLimit() {
        let octets: [UInt8] = [0x01, 0x00, 0x20, 0x0C] + [UInt8](repeating: 0, count: 28)
        #expect(throws: DecodeError.tooLong) { try decode(octets, Limits(maximumPacketSize: 31)) }
        #expect(throws: Never.self) { try decode(octets, Limits(maximumPacketSize: 32)) }
        let node: [UInt8] = [0x06, 0xFE, 0x00, 1, 2, 3, 0x02, 0x16]
        #expect(throws: DecodeError.tooLong) { try decode(node, Limits(maximumNodeIDLength: 2)) }
    }

    @Test func survivesDamage() {
        var generator = SeededGenerator(seed: 0x5E_ED)
        var readable = 0
        for round in 0..<10_000 {
            let vector = Self.valid[round % Self.valid.count]
            let limits = Limits(toleratesTrailingOctets: round.isMultiple(of: 2))
            guard let packet = try? decode(generator.mutate(vector.octets), limits, in: vector.version) else {
                continue
            }
            readable += 1
            if packet.encodedLength(in: vector.version) <= Packet.maximumEncodedLength {
                _ = encode(packet, in: vector.version)
            }
        }
        #expect(readable > 1_000)
    }
}
