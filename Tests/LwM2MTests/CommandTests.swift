import CoAP
import TestKit
import Testing

@testable import LwM2M

@Suite struct CommandTests {
    private func operation(_ topic: String, _ payload: String = "") throws -> LwM2M.Operation {
        let command = try #require(CommandTopic("lwm2m/ep1/r/\(topic)"))
        return try LwM2M.Operation(command, payload: Array(payload.utf8), model: .standard)
    }

    private func request(_ topic: String, _ payload: String = "", format: Int = 0) throws -> CoAPOutgoingRequest {
        let operation = try operation(topic, payload)
        return try operation.request(rootPath: [], format: operation.formats[format])
    }

    @Test func readsCommandTopics() {
        #expect(
            CommandTopic("lwm2m/ep1/r/3/0/14/set")
                == CommandTopic(endpoint: "ep1", path: ObjectPath(3, 0, 14), verb: .set))
        for topic in [
            "lwm2m/ep1/r/3/0/14", "lwm2m/ep1/r/3/exec", "lwm2m/ep1/r/x/0/1/set", "lwm2m/ep1/r/set", "a/b/r/3/get",
        ] {
            #expect(CommandTopic(topic) == nil)
        }
    }

    @Test func filtersMatchCommandsAndNotValues() {
        let filters = CommandTopic.filters(endpoint: "ep1")
        #expect(filters.contains("lwm2m/ep1/r/+/+/+/set"))
        #expect(filters.contains("lwm2m/ep1/r/+/+/+/exec"))
        #expect(Set(filters).count == filters.count)
        #expect(filters.allSatisfy { !$0.hasSuffix("+") })
    }

    @Test func aScalarBecomesAPutOfText() throws {
        #expect(
            try request("3/0/14/set", #""+02:00""#)
                == CoAPOutgoingRequest(
                    .put, path: ["3", "0", "14"], contentFormat: .textPlain, payload: Array("+02:00".utf8)))
        #expect(
            try request("1/0/1/set", "129", format: 1)
                == CoAPOutgoingRequest(
                    .put, path: ["1", "0", "1"], contentFormat: .lwm2mTLV, payload: [0xC2, 0x01, 0x00, 0x81]))
        #expect(
            try request("5/0/0/set", #""AAH/""#)
                == CoAPOutgoingRequest(
                    .put, path: ["5", "0", "0"], contentFormat: .octetStream, payload: [0, 1, 255]))
    }

    @Test func instancesAreWrittenWholeOrInPart() throws {
        let partial = try request("1/1/set", #"{"1":60,"6":true}"#)
        #expect(partial.method == .post)
        #expect(partial.payload == octets(hex: "c1 01 3c c1 06 01"))
        #expect(try request("1/1/replace", #"{"1":60}"#).method == .put)
    }

    @Test func multipleResourcesAreWrittenAsObjects() throws {
        let write = try request("2/0/2/set", #"{"0":15,"1":1}"#)
        #expect(write.payload == octets(hex: "86 02 41 00 0f 41 01 01"))
        #expect(try request("2/0/2/1/set", "3").path == ["2", "0", "2", "1"])
    }

    @Test func createNamesTheObjectAndOptionallyTheInstance() throws {
        let chosen = try request("3303/7/create", #"{"5750":"x"}"#)
        #expect(chosen.path == ["3303"])
        #expect(chosen.payload == octets(hex: "04 07 e1 16 76 78") ?? [])
        #expect(try request("3303/create", #"{"5750":"x"}"#).payload == octets(hex: "e1 16 76 78"))
    }

    @Test func executeCarriesItsArguments() throws {
        #expect(try request("3/0/4/exec") == CoAPOutgoingRequest(.post, path: ["3", "0", "4"]))
        #expect(try request("3/0/4/exec", #""0='a,b',1""#).payload == Array("0='a,b',1".utf8))
        #expect(try request("3/0/4/exec", #"{"0":"a,b","1":null}"#).payload == Array("0='a,b',1".utf8))
        for payload in [#""0='it''s'""#, #"{"0":"it's"}"#, #""a""#, #""0=1""#, #""0,""#, "5", #"{"0":1}"#] {
            #expect(throws: CommandError.self) { try operation("3/0/4/exec", payload) }
        }
    }

    @Test(arguments: [
        ("3/0/0/set", #""x""#, "not_writable"), ("3/0/14/exec", "", "not_executable"),
        ("3/0/4/get", "", "not_readable"),
        ("3/0/99/set", "1", "unknown_resource"), ("3/0/14/set", "5", "bad_payload"),
        ("3/0/14/set", "+02:00", "bad_payload"),
        ("3/0/13/set", "1.5", "bad_payload"), ("2/0/2/set", "5", "bad_payload"),
        ("3/0/14/set", #"{"0":"x"}"#, "bad_payload"),
        ("1/0/set", #"{"0":1}"#, "not_writable"), ("1/0/set", #"{"x":1}"#, "bad_payload"),
        ("1/0/set", "1", "bad_payload"),
        ("1/0/set", #"{"99":1}"#, "unknown_resource"),
    ])
    func refusesWhatTheModelForbids(topic: String, payload: String, code: String) {
        #expect { try operation(topic, payload) } throws: { ($0 as? CommandError)?.code == code }
    }

    @Test func unknownObjectsGoByWhatTheJSONSays() throws {
        #expect(try operation("31024/10/1/set", "20") == .write(ObjectPath(31024, 10, 1), .integer(20)))
        #expect(
            try operation("31024/10/1/set", #"{"value":20,"type":"float"}"#)
                == .write(ObjectPath(31024, 10, 1), .float(20)))
        #expect(
            try operation("3/0/99/set", #"{"value":"x","type":"string"}"#) == .write(ObjectPath(3, 0, 99), .string("x"))
        )
        #expect(throws: CommandError.badPayload("expected a JSON scalar")) { try operation("31024/10/1/set", "null") }
    }

    @Test func survivesMutatedPayloads() {
        var random = SeededGenerator(seed: 50)
        let seeds = [
            ("3/0/14/set", #""+02:00""#), ("1/1/set", #"{"1":60,"6":true}"#), ("2/0/2/set", #"{"0":15,"1":1}"#),
            ("3/0/4/exec", #""0='a,b',1""#),
        ]
        for (topic, payload) in seeds {
            guard let command = CommandTopic("lwm2m/ep1/r/\(topic)") else { continue }
            for _ in 0..<2_500 {
                let operation = try? LwM2M.Operation(
                    command, payload: random.mutate(Array(payload.utf8)), model: .standard)
                guard let operation else { continue }
                for format in operation.formats { _ = try? operation.request(rootPath: [], format: format) }
            }
        }
    }
}
