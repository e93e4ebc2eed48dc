import TestKit
import Testing

@testable import LwM2M

@Suite struct JSONTests {
    private func decode(_ text: String) throws -> JSON { try JSON.decode(Array(text.utf8)[...]) }

    @Test(arguments: [
        ("null", JSON.null), (" true ", .boolean(true)), ("-0", .integer(0)), ("9223372036854775807", .integer(.max)),
        ("18446744073709551615", .unsigned(.max)), ("1.5e1", .number(15)),
        (#""\u00e9\ud83d\ude00\/\n""#, .string("é😀/\n")),
        ("[]", .array([])), ("{}", .object([])), ("[1, [2]]", .array([.integer(1), .array([.integer(2)])])),
        (#"{"b":1,"a":{}}"#, .object([.init(name: "b", value: .integer(1)), .init(name: "a", value: .object([]))])),
    ])
    func readsJSON(text: String, json: JSON) throws {
        #expect(try decode(text) == json)
        #expect(try JSON.decode(json.encoded[...]) == json)
    }

    @Test(arguments: [
        "", "nul", "01", "+1", "1.", ".5", "1e", "-", "[1,]", "[1", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "\"", "\"\\x\"",
        "1 2",
        "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\u12\"", "\"\\u+123\"", "\"\t\"", "{\"a\":1,\"a\":2}", "1e999",
        "[[[[[[[[1]]]]]]]]", "'a'", "nan",
    ])
    func refusesAnythingElse(text: String) {
        #expect(throws: DecodeError.self) { try decode(text) }
    }

    @Test func survivesTruncationAndMutation() {
        let text = Array(#"{"0":"a\u00e9\n","5":[true,null,-1.5e3,{"x":18446744073709551615}],"6":{"0":1}}"#.utf8)
        for count in text.indices { #expect(throws: DecodeError.self) { try JSON.decode(text.prefix(count)) } }
        var random = SeededGenerator(seed: 8259)
        for _ in 0..<10_000 {
            let damaged = random.mutate(text)
            guard let json = try? JSON.decode(damaged[...]) else { continue }
            #expect((try? JSON.decode(json.encoded[...])) == json)
        }
    }
}
