import Messaging
import TestKit
import Testing

@testable import LwM2M

/// Registrations outlive the gateway.
@Suite(.timeLimit(.minutes(2)))
struct GatewayRestartTests {
    private let clock = ManualClock()
    private let broker: FakeBroker

    init() { broker = FakeBroker(clock: clock) }

    @Test func anUpdateAfterARestartFindsItsRegistration() async throws {
        var location = ""
        try await withGateway(broker: broker, clock: clock) { bench in
            location = try await bench.device().register(
                "a", lifetime: 60, objects: #"</>;rt="oma.lwm2m";ct=110,</1/0>,</3>;ver=1.1,</3/0>"#)
        }
        broker.advance(by: .seconds(50))
        try await withGateway(broker: broker, clock: clock) { bench in
            await bench.settle()
            let status = try #require(bench.retained("a/status"))
            #expect(status.hasPrefix(#"{"status":"online","reason":"restored","version":"1.1","lifetime":60,"#))
            #expect(status.contains(#""objects":["/1/0","/3","/3/0"],"object_versions":{"3":"1.1"},"formats":[110]"#))
            let device = try bench.device()
            #expect(try await device.update(location).codeText == "2.04")
            await bench.advance(by: .seconds(50))
            #expect(try await device.deregister(location).codeText == "2.02")
            #expect(broker.takeKept(in: .lwm2mRegistration).isEmpty)
        }
    }

    @Test func aDeviceThatDoesNotComeBackExpires() async throws {
        try await withGateway(broker: broker, clock: clock) { bench in
            _ = try await bench.device().register("a", lifetime: 60)
        }
        broker.advance(by: .seconds(64))
        try await withGateway(broker: broker, clock: clock) { bench in
            await bench.settle()
            #expect(bench.retained("a/status")?.contains("restored") == true)
            await bench.advance(by: .seconds(1))
            while try await bench.subscriber.text("a/event") != #"{"event":"expired"}"# {}
            #expect(bench.retained("a/status") == #"{"status":"offline","reason":"expired"}"#)
            #expect(broker.takeKept(in: .lwm2mRegistration).isEmpty)
        }
    }

    @Test func commandsAndObservationsWaitForTheDeviceToSpeak() async throws {
        var location = ""
        let resources: [String: LwM2MDevice.Resource] = ["/3/0/9": .init("100")]
        try await withGateway(broker: broker, clock: clock) { bench in
            let device = try bench.device(resources)
            location = try await device.register("a", lifetime: 600)
            try bench.command("a/r/3/0/9/observe")
            #expect(try await bench.subscriber.text("a/r/3/0/9") == "100")
        }
        try broker.publish("lwm2m/a/r/3/0/9/get", [], qos: .atLeastOnce)
        try await withGateway(broker: broker, clock: clock) { bench in
            await bench.settle()
            let device = try bench.device(resources)
            #expect(device.seen.read { $0.requests.isEmpty })
            #expect(try await device.update(location).codeText == "2.04")
            _ = try await device.request { $0.path == "/3/0/9" && $0.integer(CoAPDatagram.Number.observe) == 0 }
            _ = try await device.request { $0.path == "/3/0/9" && $0.integer(CoAPDatagram.Number.observe) == nil }
        }
    }

    @Test func aDeviceMayRegisterAnewInstead() async throws {
        try await withGateway(broker: broker, clock: clock) { bench in
            _ = try await bench.device().register("a", lifetime: 600)
        }
        try await withGateway(broker: broker, clock: clock) { bench in
            let device = try bench.device()
            let location = try await device.register("a", lifetime: 600)
            #expect(try await device.update(location).codeText == "2.04")
            let kept = broker.takeKept(in: .lwm2mRegistration)
            #expect(kept.map(\.key) == ["a"])
            let stored = try #require(kept.first.flatMap { StoredRegistration($0.value, limits: Limits()) })
            #expect("/rd/\(stored.location)" == location)
        }
    }

    /// Values are retained messages; which of them are a device's is known again after a restart.
    @Test func valuesTheDeviceHasNoMoreAreClearedAfterARestart() async throws {
        var location = ""
        let resources: [String: LwM2MDevice.Resource] = [
            "/3/0/9": .init("100"), "/3/0/13": .init("7"), "/3303/0/5700": .init("21.5"),
        ]
        try await withGateway(broker: broker, clock: clock) { bench in
            let device = try bench.device(resources)
            location = try await device.register("a", lifetime: 600, objects: "</3/0>,</3303/0>")
            for path in ["3/0/9", "3/0/13", "3303/0/5700"] {
                try bench.command("a/r/\(path)/get")
                _ = try await bench.subscriber.text("a/r/\(path)")
            }
        }
        try await withGateway(broker: broker, clock: clock) { bench in
            let device = try bench.device(["/3/0/13": .init("7")])
            #expect(try await device.update(location, objects: "</3/0>").codeText == "2.04")
            while try await bench.subscriber.text("a/r/3303/0/5700") != "" {}
            try bench.command("a/r/3/0/9/get")
            while try await bench.subscriber.text("a/r/3/0/9") != "" {}
            #expect(bench.retained("a/r/3/0/13") == "7")
            #expect(try await device.deregister(location).codeText == "2.02")
        }
        // Also by a registration that continues no other.
        try await withGateway(broker: broker, clock: clock) { bench in
            _ = try await bench.device([:]).register("a", objects: "</1/0>")
            while try await bench.subscriber.text("a/r/3/0/13") != "" {}
        }
    }

    @Test func theAnswersWaitForTheStore() async throws {
        try await withGateway(broker: broker, clock: clock) { bench in
            let device = try bench.device()
            let location = try await device.register("a")
            broker.commitByHand()
            async let answer = device.update(location)
            _ = try await bench.subscriber.text("a/event")
            _ = try await bench.subscriber.text("a/event")
            await bench.settle()
            broker.commit()
            #expect(try await answer.codeText == "2.04")
        }
    }

    @Test(arguments: [
        #"</1/0>,</3/0>"#, #"</>;rt="oma.lwm2m";ct="110 112",</3>;ver=1.1,</3/0>"#,
        #"</lwm2m>;rt="oma.lwm2m",</lwm2m/3/0>"#,
    ])
    func aRegistrationComesBackAsItWas(links: String) throws {
        let objects = try ObjectList(body: Array(links.utf8)[...])
        let registration = Registration(
            endpoint: "a\"b", version: .v12, lifetime: nil, binding: "UT", usesQueueMode: true, phoneNumber: "+1",
            attributes: [.init(name: "x", value: nil), .init(name: "y", value: "z")], objects: objects)
        let stored = StoredRegistration(
            registration: registration, location: "l", expiresAt: .seconds(5),
            observed: [try #require(ObjectPath(text: "/3/0/9"))],
            address: "[::1]:5", isLoopback: true)
        #expect(StoredRegistration(stored.json.encoded, limits: Limits()) == stored)
        #expect(StoredRegistration([], limits: Limits()) == nil)
    }
}
