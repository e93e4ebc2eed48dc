import CoAP
import TestKit
import Testing

@testable import LwM2M

@Suite struct TLVTests {
    /// LwM2M Core 1.1 7.4.4: every identifier width with every length form.
    @Test(arguments: [
        ("c1 09 64", TLV.value(.resource, 9, [0x64])),
        ("c0 11", TLV.value(.resource, 17, [])),
        ("e1 16 44 01", TLV.value(.resource, 5700, [1])),
        (
            "c8 00 14 4f 70 65 6e 20 4d 6f 62 69 6c 65 20 41 6c 6c 69 61 6e 63 65",
            TLV.value(.resource, 0, Array("Open Mobile Alliance".utf8))
        ),
        (
            "86 06 41 00 01 41 01 05",
            TLV.elements(.multipleResource, 6, [.value(.resourceInstance, 0, [1]), .value(.resourceInstance, 1, [5])])
        ),
        ("03 00 c1 09 64", TLV.elements(.objectInstance, 0, [.value(.resource, 9, [0x64])])),
        ("80 06", TLV.elements(.multipleResource, 6, [])),
        ("61 01 00 2a", TLV.value(.resourceInstance, 256, [0x2A])),
    ])
    func readsAndWritesEachForm(hexadecimal: String, element: TLV) throws {
        let bytes = try #require(octets(hex: hexadecimal))
        #expect(try TLV.decode(bytes[...]) == [element])
        #expect(try TLV.encode([element]) == bytes)
    }

    @Test(arguments: [7, 8, 255, 256, 65_535, 65_536])
    func choosesTheShortestLengthField(count: Int) throws {
        let element = TLV.value(.resource, 300, [UInt8](repeating: 7, count: count))
        let bytes = try TLV.encode([element])
        let lengthBytes = count < 8 ? 0 : count < 256 ? 1 : count < 65_536 ? 2 : 3
        #expect(bytes.count == 3 + lengthBytes + count)
        var limits = Limits()
        limits.bodyBytes = 100_000
        #expect(try TLV.decode(bytes[...], limits: limits) == [element])
    }

    @Test func acceptsLongerFieldsThanNeeded() throws {
        // 16-bit identifier and 24-bit length for what fits into less; the inline count is then ignored.
        let bytes = try #require(octets(hex: "ff 00 09 00 00 01 64"))
        #expect(try TLV.decode(bytes[...]) == [.value(.resource, 9, [0x64])])
    }

    @Test(arguments: [
        ("c1", DecodeError.truncated), ("c1 09", .truncated), ("c8 00", .truncated), ("d8 00 ff ff ff", .truncated),
        ("e1 16", .truncated), ("86 06 41 00", .truncated),
        // A value inside a value's kind, an instance inside an instance, a resource inside a multiple resource.
        ("03 00 01 00 00", .misplacedElement), ("83 06 c1 00 01", .misplacedElement),
        ("02 00 40 01", .misplacedElement),
    ])
    func refusesBrokenStructure(hexadecimal: String, error: DecodeError) throws {
        let bytes = try #require(octets(hex: hexadecimal))
        #expect(throws: error) { try TLV.decode(bytes[...]) }
    }

    @Test func limitsElementsAndBytes() {
        var limits = Limits()
        limits.entries = 3
        let bytes = [UInt8](repeating: 0xC0, count: 8)
        #expect(throws: DecodeError.limitExceeded) { try TLV.decode(bytes[...], limits: limits) }
        limits.bodyBytes = 7
        #expect(throws: DecodeError.limitExceeded) { try TLV.decode(bytes[...], limits: limits) }
    }

    @Test(arguments: ["lwm2m/wakaama.txt", "lwm2m/anjay215.txt"])
    func survivesTruncationAndMutation(fixture: String) throws {
        let answers = try RecordedConversation(fixture).fromClient("cf=11542")
        let body = try #require(answers.first).payload
        let whole = try TLV.decode(body[...])
        for count in body.indices {
            // A cut between elements is a shorter list; any other is an error. Never a trap.
            if let part = try? TLV.decode(body.prefix(count)) { #expect(part == Array(whole.prefix(part.count))) }
        }
        var random = SeededGenerator(seed: 11542)
        for _ in 0..<10_000 {
            let damaged = random.mutate(body)
            _ = try? Reading(damaged[...], format: .lwm2mTLV, at: ObjectPath(3, 0), model: .standard)
            _ = try? Reading(damaged[...], format: .lwm2mTLV, at: ObjectPath(3), model: .standard)
        }
    }
}
