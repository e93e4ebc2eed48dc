import TestKit
import Testing

@testable import LwM2M

@Suite struct RegistrationTests {
    private let objects = ObjectList(links: [Link(target: "/3/0")])

    private func register(_ queries: String...) throws -> Registration {
        try Registration(RegistrationParameters(queries: queries), objects: objects, lifetimes: LifetimePolicy())
    }

    @Test func readsWhatRealClientsSend() throws {
        for (fixture, queue) in [("lwm2m/wakaama.txt", false), ("lwm2m/anjay215.txt", true)] {
            let message = try #require(try RecordedConversation(fixture).fromClient("uri-path=rd cf=40").first)
            let parameters = try RegistrationParameters(queries: message.strings(CoAPDatagram.Number.uriQuery))
            let registration = try Registration(parameters, objects: objects, lifetimes: LifetimePolicy())
            #expect(registration.lifetime == .seconds(60))
            #expect(registration.usesQueueMode == queue)
        }
    }

    @Test func knowsBothSpellingsOfQueueMode() throws {
        #expect(try register("ep=a", "lwm2m=1.2", "Q").usesQueueMode)
        #expect(try register("ep=a", "lwm2m=1.0", "b=UQ").usesQueueMode)
        #expect(try !register("ep=a", "lwm2m=1.1", "b=U").usesQueueMode)
    }

    @Test func keepsWhatVendorsAdd() throws {
        let registration = try register("ep=a=b", "lwm2m=1.1", "imei=1", "flag", "sms=+4912")
        #expect(registration.endpoint == "a=b")
        #expect(registration.attributes == [.init(name: "imei", value: "1"), .init(name: "flag", value: nil)])
        #expect(registration.phoneNumber == "+4912")
    }

    @Test func grantsLifetimesWithinBounds() throws {
        #expect(try register("ep=a", "lwm2m=1.1").lifetime == .seconds(86_400))
        #expect(try register("ep=a", "lwm2m=1.1", "lt=0").lifetime == .seconds(1))
        #expect(try register("ep=a", "lwm2m=1.2", "lt=0").lifetime == nil)
        #expect(try register("ep=a", "lwm2m=1.1", "lt=4294967295").lifetime == .seconds(31_536_000))
    }

    @Test(arguments: [
        ["lwm2m=1.1"], ["ep=a"], ["ep=", "lwm2m=1.1"], ["ep", "lwm2m=1.1"], ["ep=a/b", "lwm2m=1.1"],
        ["ep=a+", "lwm2m=1.1"],
        ["ep=#", "lwm2m=1.1"], ["ep=a\0", "lwm2m=1.1"], ["ep=a\n", "lwm2m=1.1"], ["ep=a", "ep=b", "lwm2m=1.1"],
        ["ep=a", "lwm2m=1.1", "lt=x"], ["ep=a", "lwm2m=1.1", "lt=-1"], ["ep=a", "lwm2m=1.1", "lt=4294967296"],
        ["ep=a", "lwm2m=1.1", "lt="], ["ep=a", "lwm2m=1"], ["ep=a", "lwm2m=one"], ["ep=a", "lwm2m=1.1", "b=X"],
        ["ep=a", "lwm2m=1.1", "b=UU"], ["ep=a", "lwm2m=1.1", "b="],
    ])
    func refusesBadParameters(queries: [String]) {
        #expect {
            _ = try Registration(
                RegistrationParameters(queries: queries), objects: objects, lifetimes: LifetimePolicy())
        } throws: { error in
            if case RegistrationError.badParameter = error { true } else { false }
        }
    }

    @Test(arguments: ["2.0", "1.3", "0.9"])
    func refusesOtherReleases(version: String) {
        #expect(throws: RegistrationError.unsupportedVersion) { try register("ep=a", "lwm2m=\(version)") }
    }

    @Test func refusesADeviceWithoutObjects() throws {
        let parameters = try RegistrationParameters(queries: ["ep=a", "lwm2m=1.1"])
        #expect(throws: RegistrationError.badObjectList) {
            try Registration(parameters, objects: ObjectList(), lifetimes: LifetimePolicy())
        }
    }

    @Test func updatesOnlyWhatIsNamed() throws {
        var registration = try register("ep=a", "lwm2m=1.0", "b=UQ", "lt=60")
        try registration.update(RegistrationParameters(queries: ["lt=30"]), objects: nil, lifetimes: LifetimePolicy())
        #expect(registration.lifetime == .seconds(30))
        #expect(registration.usesQueueMode)
        try registration.update(
            RegistrationParameters(queries: ["b=U"]), objects: ObjectList(links: [Link(target: "/3/1")]),
            lifetimes: LifetimePolicy())
        #expect(!registration.usesQueueMode)
        #expect(registration.objects.paths == [ObjectPath(3, 1)])
        #expect(throws: RegistrationError.badParameter("ep")) {
            try registration.update(
                RegistrationParameters(queries: ["ep=b"]), objects: nil, lifetimes: LifetimePolicy())
        }
    }

    @Test func showsItsStatusAsJSON() throws {
        let status = try register("ep=a", "lwm2m=1.1", "lt=60", "imei=1").status(reason: "registered")
        #expect(
            status.description
                == #"{"status":"online","reason":"registered","version":"1.1","lifetime":60,"binding":"U","#
                + #""queue_mode":false,"objects":["/3/0"],"attributes":{"imei":"1"}}"#)
    }
}
