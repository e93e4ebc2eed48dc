import TestKit
import Testing

@testable import LwM2M

@Suite struct ResourceValueTests {
    /// LwM2M Core 1.1 Appendix C: 1, 2, 4 or 8 bytes, two's complement; 129 needs two.
    @Test(arguments: [
        (-1, "ff"), (127, "7f"), (128, "00 80"), (129, "00 81"), (255, "00 ff"), (32_767, "7f ff"),
        (32_768, "00 00 80 00"), (70_000, "00 01 11 70"), (2_147_483_648, "00 00 00 00 80 00 00 00"),
        (-129, "ff 7f"), (Int64.min, "80 00 00 00 00 00 00 00"), (0, "00"),
    ])
    func integersTakeTheNarrowestLegalWidth(number: Int64, hexadecimal: String) throws {
        let bytes = try #require(octets(hex: hexadecimal))
        #expect(ResourceValue.integer(number).binary == bytes)
        #expect(try ResourceValue(binary: bytes[...], type: .integer) == .integer(number))
        #expect(try ResourceValue(binary: bytes[...], type: .time) == .time(number))
    }

    @Test(arguments: [(UInt64(0), 1), (255, 1), (256, 2), (65_536, 4), (UInt64.max, 8)])
    func unsignedIntegersToo(number: UInt64, width: Int) throws {
        let bytes = ResourceValue.unsigned(number).binary
        #expect(bytes.count == width)
        #expect(try ResourceValue(binary: bytes[...], type: .unsigned) == .unsigned(number))
    }

    @Test(arguments: [0, 3, 5, 6, 7, 9])
    func otherWidthsAreNoIntegers(count: Int) {
        let bytes = [UInt8](repeating: 0, count: count)
        #expect(throws: DecodeError.invalidLength(type: .integer, count: count)) {
            try ResourceValue(binary: bytes[...], type: .integer)
        }
    }

    @Test func floatsAreFourBytesWhenThatLosesNothing() throws {
        #expect(ResourceValue.float(22.5).binary.count == 4)
        #expect(ResourceValue.float(0.1).binary.count == 8)
        for number in [22.5, 0.1, -1e300] {
            #expect(try ResourceValue(binary: ResourceValue.float(number).binary[...], type: .float) == .float(number))
        }
    }

    @Test(arguments: [
        ("0", ResourceValue.boolean(false)), ("1", .boolean(true)), ("1e3", .float(1000)), ("-22.5", .float(-22.5)),
        ("-86400", .time(-86_400)), ("65535:65535", .objectLink(ObjectLink(object: 65_535, instance: 65_535))),
        ("AAH/", .opaque([0, 1, 255])), ("+02:00", .string("+02:00")), ("</3/0>", .coreLink("</3/0>")),
        ("18446744073709551615", .unsigned(.max)), ("-9223372036854775808", .integer(.min)),
    ])
    func readsText(text: String, value: ResourceValue) throws {
        #expect(try ResourceValue(text: Array(text.utf8)[...], type: value.type) == value)
    }

    @Test(arguments: [
        (DataType.boolean, "true"), (.boolean, ""), (.float, "nan"), (.float, "0x1p3"), (.float, ""), (.integer, "1.0"),
        (.integer, "9223372036854775808"), (.unsigned, "-1"), (.objectLink, "65536:0"), (.objectLink, "1"),
        (.opaque, "AA="), (.opaque, "A=AA"), (.none, ""),
    ])
    func refusesOtherText(type: DataType, text: String) {
        #expect(throws: DecodeError.invalidValue(type: type)) {
            try ResourceValue(text: Array(text.utf8)[...], type: type)
        }
    }

    @Test(arguments: [
        (ResourceValue.string("a\"\u{1}"), #""a\"\u0001""#), (.integer(-5), "-5"),
        (.unsigned(.max), "18446744073709551615"),
        (.float(21.5), "21.5"), (.float(.nan), #""nan""#), (.boolean(true), "true"), (.time(0), "0"),
        (.opaque([0xFB, 0xFF]), #""+/8=""#), (.objectLink(ObjectLink(object: 3, instance: 0)), #""3:0""#),
    ])
    func becomesAJSONScalar(value: ResourceValue, text: String) {
        #expect(value.json.description == text)
    }

    @Test func takesJSONOnlyOfItsType() throws {
        #expect(try ResourceValue(json: .integer(3), type: .float) == .float(3))
        #expect(try ResourceValue(json: .string("AA=="), type: .opaque) == .opaque([0]))
        for (json, type) in [
            (JSON.string("1"), DataType.integer), (.integer(1), .boolean), (.number(1.5), .integer),
            (.integer(-1), .unsigned),
            (.null, .string), (.integer(1), .none),
        ] {
            #expect(throws: DecodeError.invalidValue(type: type)) { try ResourceValue(json: json, type: type) }
        }
    }

    @Test func base64RoundTripsEveryLength() {
        for count in 0..<10 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 71 &+ 200) }
            #expect(Base64.decode(Base64.encode(bytes).utf8) == bytes)
        }
        #expect(Base64.decode("====".utf8) == nil)
        #expect(Base64.decode("AAA".utf8) == nil)
        #expect(Base64.decode("A===".utf8) == nil)
    }
}
