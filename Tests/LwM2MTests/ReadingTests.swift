import CoAP
import TestKit
import Testing

@testable import LwM2M

@Suite struct ReadingTests {
    private func decode(_ hexadecimal: String, at path: ObjectPath, _ format: ContentFormat? = .lwm2mTLV) throws
        -> Reading
    {
        let body = try #require(octets(hex: hexadecimal))
        return try Reading(body[...], format: format, at: path, model: .standard)
    }

    @Test func decodesTheDeviceObjectOfWakaama() throws {
        let answer = try #require(try RecordedConversation("lwm2m/wakaama.txt").fromClient("cf=11542").first)
        let reading = try Reading(answer.payload[...], format: .lwm2mTLV, at: ObjectPath(3, 0), model: .standard)
        let values = Dictionary(uniqueKeysWithValues: reading.records.map { ($0.path, $0.value) })
        #expect(values.count == 17)
        #expect(reading.unreadable.isEmpty)
        #expect(values[ObjectPath(3, 0, 0)] == .string("Open Mobile Alliance"))
        #expect(values[ObjectPath(3, 0, 6, 0)] == .integer(1))
        #expect(values[ObjectPath(3, 0, 6, 1)] == .integer(5))
        #expect(values[ObjectPath(3, 0, 7, 0)] == .integer(3800))
        #expect(values[ObjectPath(3, 0, 9)] == .integer(100))
        #expect(values[ObjectPath(3, 0, 13)] == .time(3_162_896_076))
        #expect(values[ObjectPath(3, 0, 14)] == .string("+01:00"))
    }

    @Test func decodesTheDeviceObjectOfAnjay() throws {
        let answer = try #require(try RecordedConversation("lwm2m/anjay215.txt").fromClient("cf=11542").first)
        let reading = try Reading(answer.payload[...], format: .lwm2mTLV, at: ObjectPath(3, 0), model: .standard)
        let values = Dictionary(uniqueKeysWithValues: reading.records.map { ($0.path, $0.value) })
        #expect(values[ObjectPath(3, 0, 17)] == .string(""))
        #expect(values[ObjectPath(3, 0, 7, 0)] == .integer(30_874))
        #expect(values[ObjectPath(3, 0, 22, 0)] == .objectLink(ObjectLink(object: 33_606, instance: 0)))
    }

    @Test func placesElementsBelowTheRequestedPath() throws {
        let battery = [ResourceRecord(path: ObjectPath(3, 0, 9), value: .integer(100))]
        #expect(try decode("03 00 c1 09 64", at: ObjectPath(3)).records == battery)
        #expect(try decode("c1 09 64", at: ObjectPath(3)).records == battery)
        #expect(try decode("03 00 c1 09 64", at: ObjectPath(3, 0)).records == battery)
        #expect(try decode("c1 09 64", at: ObjectPath(3, 0, 9)).records == battery)
        let source = [ResourceRecord(path: ObjectPath(3, 0, 6, 1), value: .integer(5))]
        #expect(try decode("83 06 41 01 05", at: ObjectPath(3, 0, 6, 1)).records == source)
        #expect(try decode("41 01 05", at: ObjectPath(3, 0, 6)).records == source)
    }

    @Test func refusesElementsElsewhere() {
        #expect(throws: DecodeError.misplacedElement) { try decode("c1 0a 64", at: ObjectPath(3, 0, 9)) }
        #expect(throws: DecodeError.misplacedElement) { try decode("03 01 c1 09 64", at: ObjectPath(3, 0)) }
        // Without an instance it is open which one of several is meant.
        #expect(throws: DecodeError.misplacedElement) { try decode("e1 16 44 01", at: ObjectPath(3303)) }
        #expect(throws: DecodeError.misplacedElement) { try decode("e1 ff ff 01", at: ObjectPath(3, 0)) }
    }

    @Test func keepsGoodValuesBesideUnreadableOnes() throws {
        // Battery level in three bytes, then memory free.
        let reading = try decode("c3 09 00 00 64 c1 0a 0f", at: ObjectPath(3, 0))
        #expect(reading.records == [ResourceRecord(path: ObjectPath(3, 0, 10), value: .integer(15))])
        #expect(reading.unreadable == [ObjectPath(3, 0, 9)])
    }

    @Test func treatsUnknownResourcesAsBytesInTLVAndAsTextInText() throws {
        #expect(try decode("c1 01 64", at: ObjectPath(31024, 10)).records.first?.value == .opaque([0x64]))
        #expect(try decode("32 30", at: ObjectPath(31024, 10, 1), .textPlain).records.first?.value == .string("20"))
    }

    @Test func takesALeafWithoutFormatForText() throws {
        #expect(try decode("33 30", at: ObjectPath(1, 1, 1), nil).records.first?.value == .integer(30))
        #expect(try decode("00 ff", at: ObjectPath(5, 0, 0), .octetStream).records.first?.value == .opaque([0, 255]))
    }

    @Test func refusesFormatsItDoesNotRead() {
        #expect(throws: DecodeError.unsupportedFormat) { try decode("80", at: ObjectPath(3, 0), .senMLCBOR) }
        #expect(throws: DecodeError.unsupportedFormat) { try decode("31", at: ObjectPath(3, 0), .textPlain) }
    }
}
