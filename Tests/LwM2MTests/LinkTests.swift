import CoAP
import TestKit
import Testing

@testable import LwM2M

@Suite struct LinkTests {
    private func list(_ text: String) throws -> ObjectList { try ObjectList(body: Array(text.utf8)[...]) }

    @Test func readsTheRegistrationOfWakaama() throws {
        let message = try #require(try RecordedConversation("lwm2m/wakaama.txt").fromClient("uri-path=rd cf=40").first)
        let objects = try ObjectList(body: message.payload[...])
        #expect(objects.rootPath.isEmpty)
        #expect(objects.contentFormats == [.senMLJSON])
        #expect(objects.versions == [1: "1.1", 31024: "1.0"])
        #expect(objects.instances(of: 31024) == [ObjectPath(31024, 10), ObjectPath(31024, 11), ObjectPath(31024, 12)])
        #expect(objects.contains(object: 3))
    }

    @Test func readsTheRegistrationOfAnjay() throws {
        let message = try #require(try RecordedConversation("lwm2m/anjay215.txt").fromClient("uri-path=rd cf=40").first)
        let objects = try ObjectList(body: message.payload[...])
        #expect(objects.versions == [10: "1.1"])
        #expect(objects.paths.contains(ObjectPath(2)))
        #expect(objects.instances(of: 10) == [ObjectPath(10, 0)])
        #expect(objects.contentFormats.isEmpty)
    }

    @Test func findsObjectsBelowAnotherRoot() throws {
        let objects = try list(#"</lw>;rt="oma.lwm2m";ct="110 112",</lw/3/0>,</lw/1/0>;obs,</sensors/temp>"#)
        #expect(objects.rootPath == ["lw"])
        #expect(objects.contentFormats == [.senMLJSON, .senMLCBOR])
        #expect(objects.paths == [ObjectPath(1, 0), ObjectPath(3, 0)])
    }

    @Test func readsQuotedAndBareAttributes() throws {
        let body = Array(#"</a,b>;title="x\"y,z;";obs;ct=40;empty="", </c>"#.utf8)
        let links = try Link.decodeList(body[...])
        #expect(links.map(\.target) == ["/a,b", "/c"])
        #expect(links[0]["title"] == "x\"y,z;")
        #expect(links[0]["ct"] == "40")
        #expect(links[0]["empty"] == "")
        #expect(links[0].attributes[1] == Link.Attribute(name: "obs"))
        #expect(try Link.decodeList(Link.encodeList(links)[...]) == links)
    }

    @Test(arguments: ["<", "</3", "</3>;", "</3>;ct=", "</3>;ct=\"4", "</3>,", "3", "</3> </4>", "</3>;=1", "</3>x"])
    func refusesBrokenLists(text: String) {
        #expect(throws: DecodeError.self) { try Link.decodeList(Array(text.utf8)[...]) }
    }

    @Test func ignoresLinksThatAreNoObjects() throws {
        #expect(try list("</3/0>,</03>,</x>,</1/2/3>,</70000>,</65535>").paths == [ObjectPath(3, 0)])
    }

    @Test func limitsLinksAndAttributes() {
        var limits = Limits()
        limits.links = 2
        #expect(throws: DecodeError.limitExceeded) {
            try Link.decodeList(Array("</1>,</2>,</3>".utf8)[...], limits: limits)
        }
        limits.attributesPerLink = 1
        #expect(throws: DecodeError.limitExceeded) { try Link.decodeList(Array("</1>;a;b".utf8)[...], limits: limits) }
    }

    @Test(arguments: ["lwm2m/wakaama.txt", "lwm2m/anjay215.txt"])
    func survivesTruncationAndMutation(fixture: String) throws {
        var random = SeededGenerator(seed: 6690)
        for message in try RecordedConversation(fixture).fromClient("cf=40") {
            let body = message.payload
            for count in body.indices { _ = try? Link.decodeList(body.prefix(count)) }
            for _ in 0..<3_000 {
                let damaged = random.mutate(body)
                guard let links = try? Link.decodeList(damaged[...]) else { continue }
                #expect((try? Link.decodeList(Link.encodeList(links)[...])) == links)
                _ = ObjectList(links: links)
            }
        }
    }
}
