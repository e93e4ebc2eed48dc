import NIOCore
import TestKit
import Testing

@testable import Transport

@Suite("PROXY header")
struct ProxyHeaderTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let note: String
        let octets: [UInt8]
        /// As `SocketAddress.numeric`; nil for the connection's own.
        let source: String?
        var testDescription: String { note }

        init(_ note: String, line: String, source: String?) {
            (self.note, octets, self.source) = (note, Array(line.utf8), source)
        }

        /// Version 2: what follows the signature, in hex.
        init(_ note: String, version2: String, source: String?) {
            (self.note, octets, self.source) = (
                note, ProxyHeaderTests.signature + (TestKit.octets(hex: version2) ?? []), source
            )
        }
    }

    static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]

    static let valid = [
        Vector("TCP4", line: "PROXY TCP4 203.0.113.7 192.0.2.1 50123 1883\r\n", source: "203.0.113.7:50123"),
        Vector("TCP6", line: "PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n", source: "[2001:db8::7]:1"),
        Vector("UNKNOWN", line: "PROXY UNKNOWN\r\n", source: nil),
        Vector("UNKNOWN, rest ignored", line: "PROXY UNKNOWN ffff:f... what ever 1 2\r\n", source: nil),
        Vector("LOCAL", version2: "20 00 0000", source: nil),
        Vector("LOCAL with addresses to ignore", version2: "20 11 000c 01020304 05060708 0001 0002", source: nil),
        Vector("IPv4", version2: "21 11 000c cb007107 c0000201 c3cb 075b", source: "203.0.113.7:50123"),
        Vector(
            "IPv6", version2: "21 21 0024 20010db8000000000000000000000007 20010db8000000000000000000000001 0001 ffff",
            source: "[2001:db8::7]:1"),
        Vector(
            "IPv4 and a TLV", version2: "21 11 0011 cb007107 c0000201 c3cb 075b 04 0002 0000",
            source: "203.0.113.7:50123"),
        Vector("UNSPEC", version2: "21 00 0000", source: nil),
        Vector("unix socket", version2: "21 31 0004 00000000", source: nil),
    ]

    static let invalid: [(Vector, ProxyHeader.DecodeError)] = [
        (Vector("an MQTT CONNECT", line: "\u{10}\u{0C}", source: nil), .signature),
        (Vector("another protocol", line: "GET / HTTP/1.1\r\n", source: nil), .signature),
        (Vector("no protocol", line: "PROXY\r\n", source: nil), .line),
        (Vector("LF alone", line: "PROXY UNKNOWN\n", source: nil), .line),
        (Vector("two spaces", line: "PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n", source: nil), .line),
        (Vector("families mixed", line: "PROXY TCP4 ::1 1.2.3.4 1 2\r\n", source: nil), .line),
        (Vector("wrong family", line: "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", source: nil), .line),
        (Vector("port too large", line: "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", source: nil), .line),
        (Vector("port with leading zero", line: "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", source: nil), .line),
        (Vector("a name", line: "PROXY TCP4 localhost 1.2.3.4 1 2\r\n", source: nil), .line),
        (Vector("U+0000 behind an address", line: "PROXY TCP4 1.2.3.4\0x 1.2.3.4 1 2\r\n", source: nil), .line),
        (Vector("an address with a zone", line: "PROXY TCP6 fe80::1%2 ::1 1 2\r\n", source: nil), .line),
        (
            Vector("longer than 107 octets", line: "PROXY UNKNOWN " + String(repeating: "x", count: 93), source: nil),
            .line
        ),
        (Vector("version 3", version2: "31 11 0000", source: nil), .version(3)),
        (Vector("command 2", version2: "22 11 0000", source: nil), .command(2)),
        (Vector("datagrams", version2: "21 12 000c cb007107 c0000201 c3cb 075b", source: nil), .family(0x12)),
        (Vector("too short for IPv4", version2: "21 11 000b cb007107 c0000201 c3cb 07", source: nil), .length(11)),
        (Vector("longer than accepted", version2: "21 11 0801", source: nil), .length(2_049)),
    ]

    @Test(arguments: valid) func isReadAndTheRestLeftAlone(_ vector: Vector) throws {
        var buffer = ByteBuffer(bytes: vector.octets + [0x10, 0x00])
        let header = try #require(try ProxyHeader.decode(from: &buffer))
        #expect(header.source?.numeric == vector.source)
        #expect(Array(buffer.readableBytesView) == [0x10, 0x00])
    }

    @Test(arguments: valid) func waitsForTheLastOctetAndTakesNothingBefore(_ vector: Vector) throws {
        for count in vector.octets.indices {
            var buffer = ByteBuffer(bytes: vector.octets.prefix(count))
            #expect(try ProxyHeader.decode(from: &buffer) == nil)
            #expect(buffer.readableBytes == count)
        }
    }

    @Test(arguments: invalid) func isRefused(_ vector: Vector, _ error: ProxyHeader.DecodeError) {
        var buffer = ByteBuffer(bytes: vector.octets)
        #expect(throws: error) { try ProxyHeader.decode(from: &buffer) }
    }
}
