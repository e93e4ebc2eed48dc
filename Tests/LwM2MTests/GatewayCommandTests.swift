import CoAP
import Messaging
import TestKit
import Testing

@testable import LwM2M

@Suite(.timeLimit(.minutes(2)))
struct GatewayCommandTests {
    @Test func aSetBecomesAPutAndTheValueTopicFollows() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            try bench.subscriber.ask(
                "ep1/r/3/0/14/set", #""+02:00""#, responseTopic: "lwm2m/answers", correlationData: [1, 2])
            let put = try await device.request { $0.code == 3 }
            #expect(put.path == "/3/0/14")
            #expect(put.integer(CoAPDatagram.Number.contentFormat) == 0)
            #expect(put.payload == Array("+02:00".utf8))
            let expected = #"{"op":"write","path":"/3/0/14","code":"2.04","message":"changed"}"#
            #expect(try await bench.subscriber.text("ep1/report") == expected)
            let answer = try await bench.subscriber.next("answers")
            #expect(answer.properties?.correlationData == [1, 2])
            #expect(answer.payload == Array(expected.utf8))
            #expect(try await bench.subscriber.text("ep1/r/3/0/14") == #""+02:00""#)
            #expect(bench.retained("ep1/r/3/0/14") == #""+02:00""#)
            #expect(bench.broker.settlements == [.acknowledged])
        }
    }

    @Test func withoutReadBackTheWrittenValueIsTaken() async throws {
        try await withGateway {
            $0.readsBackWrites = false
        } _: { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            try bench.command("ep1/r/3/0/13/set", "1700000001")
            #expect(try await bench.subscriber.text("ep1/r/3/0/13") == "1700000001")
            #expect(device.seen.read { $0.requests.count } == 1)
        }
    }

    @Test(arguments: [
        (
            "3/0/0/set", #""x""#,
            #"{"op":"write","path":"/3/0/0","code":"not_writable","message":"the resource is read-only"}"#
        ),
        (
            "3/0/14/exec", "",
            #"{"op":"execute","path":"/3/0/14","code":"not_executable","message":"the resource cannot be executed"}"#
        ),
        (
            "3/0/14/set", "{",
            #"{"op":"write","path":"/3/0/14","code":"bad_payload","message":"the payload is no JSON: the data ends inside an element"}"#
        ),
        (
            "x/0/14/set", "1",
            #"{"op":"","path":"lwm2m/ep1/r/x/0/14/set","code":"bad_topic","message":"the topic names no object path this command applies to"}"#
        ),
        (
            "3/exec", "",
            #"{"op":"","path":"lwm2m/ep1/r/3/exec","code":"bad_topic","message":"the topic names no object path this command applies to"}"#
        ),
    ])
    func refusesWithAReport(topic: String, payload: String, report: String) async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            try bench.command("ep1/r/\(topic)", payload)
            #expect(try await bench.subscriber.text("ep1/report") == report)
            #expect(device.seen.read { $0.requests.isEmpty })
        }
    }

    @Test func unregisteredDevicesAreReportedToo() async throws {
        try await withGateway { bench in
            try bench.command("nobody/r/3/0/14/set", #""x""#)
            #expect(try await bench.subscriber.text("nobody/report").contains(#""code":"not_registered""#))
        }
    }

    @Test func errorsOfTheDevicePassThrough() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            device.react { _ in .answer(code: CoAPDatagram.code(4, 1), payload: Array("not for you".utf8)) }
            try bench.command("ep1/r/0/0/get")
            #expect(
                try await bench.subscriber.text("ep1/report")
                    == #"{"op":"read","path":"/0/0","code":"4.01","message":"unauthorized: not for you"}"#)
        }
    }

    @Test(arguments: ["lwm2m/wakaama.txt", "lwm2m/anjay215.txt"])
    func readsAWholeInstance(fixture: String) async throws {
        try await withGateway { bench in
            let recorded = try #require(try RecordedConversation(fixture).fromClient("cf=11542").first)
            let device = try bench.device(["/3/0": .init(format: 11542, recorded.payload)])
            _ = try await device.register("ep1")
            try bench.command("ep1/r/3/0/get")
            let report = try await bench.subscriber.text("ep1/report")
            #expect(
                report.hasPrefix(#"{"op":"read","path":"/3/0","code":"2.05","message":"content","content":{"/3/0/0":"#))
            #expect(device.seen.read { $0.requests.first?.integer(CoAPDatagram.Number.accept) } == 11542)
            #expect(bench.retained("ep1/r/3/0/6/0") != nil)
            #expect(bench.retained("ep1/r/3/0/14") == #""+01:00""#)
            if fixture.contains("wakaama") {
                #expect(bench.retained("ep1/r/3/0/6/0") == "1")
                #expect(bench.retained("ep1/r/3/0/6/1") == "5")
                #expect(bench.retained("ep1/r/3/0/7/0") == "3800")
            }
        }
    }

    @Test func aRefusedFormatIsRetriedOnceAndRemembered() async throws {
        try await withGateway {
            $0.readsBackWrites = false
        } _: { bench in
            let device = try bench.device(["/1/0/1": .init("60", writable: true)])
            _ = try await device.register("ep1")
            // Knows TLV only.
            device.react { request in
                let isText = request.integer(CoAPDatagram.Number.contentFormat) == 0
                return request.code == 3 && isText ? .answer(code: CoAPDatagram.code(4, 15)) : .usual
            }
            for _ in 0..<2 {
                try bench.command("ep1/r/1/0/1/set", "129")
                #expect(try await bench.subscriber.text("ep1/report").contains(#""code":"2.04""#))
            }
            let puts = device.seen.read { $0.requests }
            #expect(puts.map { $0.integer(CoAPDatagram.Number.contentFormat) } == [0, 11542, 11542])
            #expect(puts.last?.payload == [0xC2, 0x01, 0x00, 0x81])
        }
    }

    @Test func notAcceptableIsRetriedInAnotherFormat() async throws {
        try await withGateway { bench in
            let device = try bench.device(["/3/0/9": .init(format: 11542, [0xC1, 9, 100])])
            _ = try await device.register("ep1")
            device.react {
                $0.integer(CoAPDatagram.Number.accept) == nil ? .answer(code: CoAPDatagram.code(4, 6)) : .usual
            }
            for _ in 0..<2 {
                try bench.command("ep1/r/3/0/9/get")
                #expect(try await bench.subscriber.text("ep1/report").contains(#""/3/0/9":100"#))
            }
            #expect(
                device.seen.read { $0.requests.map { $0.integer(CoAPDatagram.Number.accept) } } == [nil, 11542, 11542])
        }
    }

    @Test func executesWithArguments() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            try bench.command("ep1/r/3/0/4/exec", #""0='a,b',1""#)
            #expect(
                try await bench.subscriber.text("ep1/report").contains(#""op":"execute","path":"/3/0/4","code":"2.04""#)
            )
            let post = try await device.request { $0.code == 2 }
            #expect(post.payload == Array("0='a,b',1".utf8))
        }
    }

    @Test func createsAndDeletesInstances() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1", objects: "</3/0>,</3303>")
            device.react { request in
                request.code == 2
                    ? .answer(code: CoAPDatagram.code(2, 1), options: [.init(8, "3303"), .init(8, "4")]) : .usual
            }
            try bench.command("ep1/r/3303/create", #"{"5750":"x"}"#)
            #expect(
                try await bench.subscriber.text("ep1/report")
                    == #"{"op":"create","path":"/3303","code":"2.01","message":"created","location":"/3303/4"}"#)
            try bench.command("ep1/r/3303/4/delete")
            #expect(
                try await bench.subscriber.text("ep1/report").contains(#""op":"delete","path":"/3303/4","code":"2.02""#)
            )
            device.react { _ in .answer(code: CoAPDatagram.code(4, 6)) }
            try bench.command("ep1/r/3303/4/create", #"{"5750":"x"}"#)
            #expect(try await bench.subscriber.text("ep1/report").contains(#""code":"4.06""#))
        }
    }

    @Test func replacesOrUpdatesAnInstance() async throws {
        try await withGateway {
            $0.readsBackWrites = false
        } _: { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            device.react { _ in .answer(code: CoAPDatagram.code(2, 4)) }
            try bench.command("ep1/r/1/1/set", #"{"1":60}"#)
            #expect(try await device.request { $0.path == "/1/1" && $0.code == 2 }.payload == [0xC1, 1, 60])
            try bench.command("ep1/r/1/1/replace", #"{"1":60,"7":"U"}"#)
            #expect(try await device.request { $0.path == "/1/1" && $0.code == 3 }.payload.count == 6)
            #expect(try await bench.subscriber.text("ep1/r/1/1/1") == "60")
        }
    }

    @Test func discovers() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            try bench.command("ep1/r/3/0/discover")
            #expect(try await bench.subscriber.text("ep1/report").contains(#""links":["</3/0/0>","</3/0/13>""#))
        }
    }

    @Test func commandsGoOneAtATimeInOrder() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            for hour in 1...5 { try bench.command("ep1/r/3/0/14/set", #""+0\#(hour):00""#) }
            for _ in 1...5 { _ = try await bench.subscriber.next("ep1/report") }
            let puts = device.seen.read {
                $0.requests.filter { $0.code == 3 }.map { String(decoding: $0.payload, as: UTF8.self) }
            }
            #expect(puts == (1...5).map { "+0\($0):00" })
        }
    }

    @Test func anEmptyAcknowledgementWithoutAnswerTimesOut() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            device.react { _ in .acknowledgeOnly }
            try bench.command("ep1/r/3/0/9/get")
            _ = try await device.request { $0.code == 1 }
            await bench.advance(by: .seconds(46))
            #expect(try await bench.subscriber.text("ep1/report").contains(#""code":"timeout""#))
            // The device is there for the next one.
            device.react { _ in .usual }
            try bench.command("ep1/r/3/0/9/get")
            #expect(try await bench.subscriber.text("ep1/report").contains(#""code":"2.05""#))
        }
    }

    @Test func requestsGoBelowAnotherRoot() async throws {
        try await withGateway { bench in
            let device = try bench.device(["/lw/3/0/9": .init("7")])
            _ = try await device.register("ep1", objects: #"</lw>;rt="oma.lwm2m";ct="110 112",</lw/3/0>"#)
            try bench.command("ep1/r/3/0/9/get")
            #expect(try await bench.subscriber.text("ep1/r/3/0/9") == "7")
        }
    }

    @Test func readsTheDeviceObjectAfterRegisterOnlyWhenAsked() async throws {
        try await withGateway {
            $0.readsDeviceObject = true
        } _: { bench in
            let device = try bench.device(["/3/0": .init(format: 11542, [0xC1, 9, 100])])
            _ = try await device.register("ep1")
            #expect(try await bench.subscriber.text("ep1/r/3/0/9") == "100")
        }
    }

    @Test func queuedCommandsOfAnEndedRegistrationAreReported() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            let location = try await device.register("ep1")
            device.react { _ in .silence }
            try bench.command("ep1/r/3/0/9/get")
            _ = try await device.request { $0.code == 1 }
            try bench.command("ep1/r/3/0/14/set", #""x""#)
            _ = try await device.deregister(location)
            #expect(try await bench.subscriber.text("ep1/report").contains(#""code":"interrupted""#))
            #expect(try await bench.subscriber.text("ep1/report").contains(#""code":"not_registered""#))
        }
    }

    @Test func anExecuteIsNotRepeatedAfterTheDeviceRegisteredAnew() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            _ = try await device.register("ep1")
            device.react { _ in .silence }
            try bench.command("ep1/r/3/0/4/exec")
            _ = try await device.request { $0.code == 2 }
            device.react { _ in .usual }
            _ = try await device.register("ep1")
            #expect(try await bench.subscriber.text("ep1/report").contains(#""code":"interrupted""#))
            #expect(device.seen.read { $0.requests.filter { $0.code == 2 && !$0.token.isEmpty } }.count >= 1)
            try bench.command("ep1/r/3/0/9/get")
            #expect(try await bench.subscriber.text("ep1/report").contains(#""code":"2.05""#))
        }
    }
}
