import Messaging
import TestKit
import Testing

@testable import LwM2M

@Suite(.timeLimit(.minutes(2)))
struct GatewayRegistrationTests {
    @Test func registersAndShowsItsStatus() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            let location = try await device.register(
                "a", objects: #"</>;rt="oma.lwm2m";ct=110,</1/0>,</3>;ver=1.1,</3/0>"#)
            #expect(location.hasPrefix("/rd/"))
            #expect(location.count > 8)
            let status = try #require(bench.retained("a/status"))
            #expect(status.hasPrefix(#"{"status":"online","reason":"registered","version":"1.1","lifetime":60,"#))
            #expect(status.contains(#""objects":["/1/0","/3","/3/0"],"object_versions":{"3":"1.1"},"formats":[110]"#))
            #expect(try await bench.subscriber.text("a/event") == #"{"event":"registered"}"#)
            let session = try #require(bench.broker.session("lwm2m:a"))
            #expect(session.filters.contains("lwm2m/a/r/+/+/+/set"))
            #expect(session.filters.contains("lwm2m/a/r/+/+/+/exec"))
            #expect(device.seen.read { $0.requests.isEmpty })
        }
    }

    @Test(arguments: ["lwm2m/wakaama.txt", "lwm2m/anjay215.txt"])
    func registersRealClients(fixture: String) async throws {
        try await withGateway { bench in
            let device = try bench.device()
            let recorded = try #require(try RecordedConversation(fixture).fromClient("uri-path=rd cf=40").first)
            let answer = try await device.ask(recorded)
            #expect(answer.codeText == "2.01")
            #expect(answer.strings(CoAPDatagram.Number.locationPath).count == 2)
            #expect(answer.messageID == recorded.messageID)
        }
    }

    @Test func anEmptyUpdateRenewsTheLifetime() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            let location = try await device.register("a", lifetime: 60)
            await bench.advance(by: .seconds(40))
            #expect(try await device.update(location).codeText == "2.04")
            await bench.advance(by: .seconds(40))
            #expect(try await device.update(location).codeText == "2.04")
            _ = try await bench.subscriber.next("a/event")
            #expect(try await bench.subscriber.text("a/event") == #"{"event":"updated"}"#)
            #expect(device.seen.read { $0.requests.isEmpty })
        }
    }

    @Test func anUpdateWithObjectsClearsVanishedValues() async throws {
        try await withGateway { bench in
            let device = try bench.device(["/3/0/9": .init("100"), "/3303/0/5700": .init("21.5")])
            let location = try await device.register("a", objects: "</3/0>,</3303/0>")
            try bench.command("a/r/3303/0/5700/get")
            #expect(try await bench.subscriber.text("a/r/3303/0/5700") == "21.5")
            #expect(try await device.update(location, objects: "</3/0>").codeText == "2.04")
            #expect(bench.retained("a/r/3303/0/5700") == nil)
            #expect(bench.retained("a/status")?.contains(#""objects":["/3/0"]"#) == true)
        }
    }

    @Test func deregistrationSaysGoodbye() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            let location = try await device.register("a")
            #expect(try await device.deregister(location).codeText == "2.02")
            #expect(bench.retained("a/status") == #"{"status":"offline","reason":"deregistered"}"#)
            #expect(bench.broker.session("lwm2m:a") == nil)
            #expect(try await device.deregister(location).codeText == "4.04")
            #expect(try await device.update(location).codeText == "4.04")
        }
    }

    @Test func silenceEndsARegistration() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            let location = try await device.register("a", lifetime: 3)
            await bench.advance(by: .seconds(7))
            #expect(bench.retained("a/status")?.contains("online") == true)
            await bench.advance(by: .seconds(2))
            #expect(bench.retained("a/status") == #"{"status":"offline","reason":"expired"}"#)
            #expect(try await device.update(location).codeText == "4.04")
        }
    }

    @Test func aNewRegisterReplacesTheOld() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            let first = try await device.register("a")
            let second = try await device.register("a")
            #expect(first != second)
            #expect(try await device.update(first).codeText == "4.04")
            #expect(try await device.update(second).codeText == "2.04")
            #expect(bench.retained("a/status")?.contains("online") == true)
        }
    }

    @Test func anUpdateMayComeFromANewAddress() async throws {
        try await withGateway { bench in
            let location = try await bench.device().register("a")
            let moved = try bench.device()
            #expect(try await moved.update(location).codeText == "2.04")
            try bench.command("a/r/3/0/9/get")
            #expect(try await bench.subscriber.text("a/r/3/0/9") == "100")
            #expect(moved.seen.read { $0.requests.count } == 1)
        }
    }

    @Test(arguments: [
        (["ep=a", "lwm2m=2.0"], "</3/0>", "4.12"), (["ep=a"], "</3/0>", "4.00"), (["lwm2m=1.1"], "</3/0>", "4.00"),
        (["ep=a", "lwm2m=1.1", "lt=x"], "</3/0>", "4.00"), (["ep=a", "ep=a", "lwm2m=1.1"], "</3/0>", "4.00"),
        (["ep=a", "lwm2m=1.1"], "", "4.00"), (["ep=a", "lwm2m=1.1"], "</3/0", "4.00"),
        (["ep=a/b", "lwm2m=1.1"], "</3/0>", "4.00"), (["ep=+", "lwm2m=1.1"], "</3/0>", "4.00"),
        (["ep=#", "lwm2m=1.1"], "</3/0>", "4.00"), (["ep=a\0", "lwm2m=1.1"], "</3/0>", "4.00"),
        (["ep=", "lwm2m=1.1"], "</3/0>", "4.00"),
    ])
    func refusesBadRegistrations(queries: [String], objects: String, code: String) async throws {
        try await withGateway { bench in
            let device = try bench.device()
            let answer = try await device.ask(2, "/rd", queries: queries, format: 40, payload: Array(objects.utf8))
            #expect(answer.codeText == code)
            #expect(bench.broker.published.isEmpty)
        }
    }

    @Test func refusesWrongMethodsAndGoesOn() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            #expect(try await device.ask(1, "/rd").codeText == "4.05")
            #expect(try await device.ask(3, "/rd/x").codeText == "4.05")
            #expect(try await device.ask(4, "/rd").codeText == "4.05")
            #expect(try await device.ask(2, "/rd/x").codeText == "4.04")
            #expect(try await device.ask(2, "/rd/x/y").codeText == "4.04")
            #expect(bench.broker.published.isEmpty)
            _ = try await device.register("a")
        }
    }

    @Test(arguments: [(ConnectRefusal.notAuthorized, "4.03"), (.badCredentials, "4.03"), (.quotaExceeded, "5.03")])
    func aRefusalOfTheBrokerReachesTheDevice(refusal: ConnectRefusal, code: String) async throws {
        try await withGateway { bench in
            bench.broker.refuseConnects(refusal)
            let device = try bench.device()
            let answer = try await device.ask(
                2, "/rd", queries: ["ep=a", "lwm2m=1.1"], format: 40, payload: Array("</3/0>".utf8))
            #expect(answer.codeText == code)
        }
    }

    @Test func theLimitOnRegistrationsHolds() async throws {
        try await withGateway {
            $0.registrations = 1
        } _: { bench in
            let device = try bench.device()
            _ = try await device.register("a")
            await #expect(throws: LwM2MDevice.Failure.self) { try await device.register("b") }
            _ = try await device.register("a")
        }
    }

    @Test func anAcknowledgementWaitsForTheStore() async throws {
        try await withGateway { bench in
            bench.broker.commitByHand()
            let device = try bench.device()
            async let location = device.register("a")
            _ = try await bench.subscriber.next("a/event")
            // What is recorded after the event is to be in the commit, too.
            await bench.settle()
            #expect(device.seen.read { $0.answers.values.allSatisfy { $0.codeText != "2.01" } })
            bench.broker.commit()
            #expect(try await location.hasPrefix("/rd/"))
        }
    }

    @Test func aSlowDecisionIsAnsweredSeparately() async throws {
        try await withGateway { bench in
            bench.broker.parkConnects()
            let device = try bench.device()
            async let location = device.register("a")
            // The empty acknowledgement shows that the request has been taken.
            #expect(await device.seen.wait(within: .patience) { $0.acknowledgements.first } != nil)
            bench.broker.releaseConnects()
            #expect(try await location.hasPrefix("/rd/"))
        }
    }

    @Test func stoppingShowsDevicesOfflineAndKeepsTheirSessions() async throws {
        try await withGateway { bench in
            _ = try await bench.device().register("a")
            await bench.gateway.stop()
            #expect(bench.retained("a/status") == #"{"status":"offline","reason":"shutdown"}"#)
            #expect(bench.broker.session("lwm2m:a")?.isAttached == false)
        }
    }

    @Test func theCoreMayStopFirst() async throws {
        try await withGateway { bench in
            _ = try await bench.device().register("a")
            bench.broker.close("lwm2m:a", .shutdown)
            await bench.settle()
            #expect(bench.retained("a/status") == #"{"status":"offline","reason":"shutdown"}"#)
        }
    }

    @Test func namesTheListenerItRidesOn() async throws {
        try await withGateway { bench in
            let listener = try #require(bench.gateway.listeners.first)
            #expect(listener.protocolName == "LwM2M")
            #expect(listener.port == bench.port)
        }
    }

    @Test func endedSessionsEndRegistrations() async throws {
        try await withGateway { bench in
            let device = try bench.device()
            let location = try await device.register("a")
            bench.broker.close("lwm2m:a", .administrative)
            await bench.settle()
            #expect(bench.retained("a/status") == #"{"status":"offline","reason":"administrative"}"#)
            #expect(try await device.update(location).codeText == "4.04")
        }
    }
}
