import Messaging
import TestKit
import Testing

@testable import CoAP

@Suite(.timeLimit(.minutes(1)))
struct PublishTests {
    @Test func postPublishesAnEventAtTheQoSOfItsMessageType() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            let answer = try #require(
                client.ask(.post, "ps/a/b", queries: ["clientid=c1"], payload: Array("21.5".utf8)))
            #expect(answer.kind == .ack)
            #expect(answer.codeText == "2.04")
            let unconfirmed = try #require(client.ask(.post, "ps/a/b", kind: .non, payload: Array("22".utf8)))
            #expect(unconfirmed.kind == .non)
            #expect(unconfirmed.codeText == "2.04")
            #expect(broker.published.map(\.topic.string) == ["a/b", "a/b"])
            #expect(broker.published.map(\.qos) == [.atLeastOnce, .atMostOnce])
            #expect(broker.published.map(\.retain) == [false, false])
            #expect(broker.published.map(\.payload) == [Array("21.5".utf8), Array("22".utf8)])
            #expect(broker.published[0].publisher == ClientID("coap:c1"))
        }
    }

    @Test func putKeepsTheValueAndSaysWhetherItIsNew() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            #expect(client.ask(.put, "ps/t", options: [.init(12, [50])], payload: Array("{}".utf8))?.codeText == "2.01")
            #expect(client.ask(.put, "ps/t", payload: [1])?.codeText == "2.04")
            #expect(broker.published.map(\.retain) == [true, true])
            #expect(broker.published[0].properties?.contentType == "application/json")
            #expect(client.ask(.post, "ps/u", queries: ["retain=true"], payload: [2])?.codeText == "2.01")
            #expect(broker.retained("u")?.payload == [2])
        }
    }

    @Test func queryOverridesQoSAndExpiry() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            #expect(client.ask(.post, "ps/t", queries: ["q=2", "expiry=60"], payload: [1])?.codeText == "2.04")
            let message = try #require(broker.published.first)
            #expect(message.qos == .exactlyOnce)
            #expect(message.expiresAt == message.publishedAt + .seconds(60))
        }
    }

    @Test(arguments: ["qos=3", "qos=x", "retain=maybe", "expiry=-1", "expiry=99999999999", "clientid="])
    func unusableQueryIsABadRequest(_ query: String) async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            let answer = client.ask(.post, "ps/t", queries: [query], payload: [1])
            #expect(answer?.codeText == "4.00")
            #expect(answer?.payload.isEmpty == false)
            #expect(broker.published.isEmpty)
        }
    }

    @Test(arguments: ["ps", "ps/", "ps/a/+/b", "ps/#", "ps/a\0b"])
    func unusableTopicIsABadRequest(_ path: String) async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            #expect(client.ask(.post, path, payload: [1])?.codeText == "4.00")
            #expect(client.ask(.get, path)?.codeText == "4.00")
            #expect(client.ask(.delete, path)?.codeText == "4.00")
            #expect(broker.published.isEmpty)
        }
    }

    @Test func otherMethodsAreNotAllowed() async throws {
        try await withGateway { _, port in
            let client = try DatagramClient(port: port)
            for method in [CoAPMethod.fetch, .patch, .ipatch] {
                #expect(client.ask(method, "ps/t", payload: [1])?.codeText == "4.05")
            }
        }
    }

    @Test func readingGivesPayloadFormatTagAndAge() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            #expect(client.ask(.get, "ps/t")?.codeText == "4.04")
            _ = client.ask(.put, "ps/t", options: [.init(12, [50])], payload: Array("{\"a\":1}".utf8))
            let answer = try #require(client.ask(.get, "ps/t"))
            #expect(answer.codeText == "2.05")
            #expect(answer.text == "{\"a\":1}")
            #expect(answer.uint(12) == 50)
            #expect(answer.uint(14) == 60)
            let tag = try #require(answer.values(4).first)
            let again = try #require(client.ask(.get, "ps/t", options: [.init(4, tag)]))
            #expect(again.codeText == "2.03")
            #expect(again.payload.isEmpty)
            #expect(again.values(4) == [tag])
            #expect(client.ask(.get, "ps/t", options: [.init(17, [60])])?.codeText == "4.06")
            #expect(client.ask(.get, "ps/t", options: [.init(17, [50])])?.codeText == "2.05")
        }
    }

    @Test func deleteClearsAlsoWhenThereIsNothing() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            _ = client.ask(.put, "ps/t", payload: [1])
            #expect(client.ask(.delete, "ps/t")?.codeText == "2.02")
            #expect(broker.retained("t") == nil)
            #expect(client.ask(.get, "ps/t")?.codeText == "4.04")
            #expect(client.ask(.delete, "ps/t")?.codeText == "2.02")
        }
    }

    @Test func conditionsProtectTheValue() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            #expect(client.ask(.put, "ps/t", options: [.init(1)], payload: [9])?.codeText == "4.12")
            #expect(client.ask(.put, "ps/t", options: [.init(5)], payload: [1])?.codeText == "2.01")
            #expect(client.ask(.put, "ps/t", options: [.init(5)], payload: [2])?.codeText == "4.12")
            #expect(broker.retained("t")?.payload == [1])
            let tag = try #require(client.ask(.get, "ps/t")?.values(4).first)
            #expect(client.ask(.put, "ps/t", options: [.init(1, tag)], payload: [3])?.codeText == "2.04")
            #expect(client.ask(.put, "ps/t", options: [.init(1, tag)], payload: [4])?.codeText == "4.12")
        }
    }

    @Test func acknowledgementWaitsForTheCommit() async throws {
        try await withGateway { broker, port in
            broker.commitByHand()
            let client = try DatagramClient(port: port)
            let acknowledgement = try #require(client.ask(.post, "ps/t", token: [5], payload: [1]))
            #expect(acknowledgement.code == 0)
            #expect(broker.published.count == 1)
            broker.commit()
            let answer = try #require(client.receive())
            #expect(answer.kind == .con)
            #expect(answer.token == [5])
            #expect(answer.codeText == "2.04")
            client.acknowledge(answer)
        }
    }

    @Test func refusalsHaveTheirCodes() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            broker.forbid("secret")
            #expect(client.ask(.post, "ps/secret", payload: [1])?.codeText == "4.01")
            broker.refuse("full", .receiverFull)
            #expect(client.ask(.post, "ps/full", payload: [1])?.codeText == "5.03")
            broker.refuseConnects(.badCredentials)
            #expect(client.ask(.post, "ps/t", queries: ["u=x", "p=y"], payload: [1])?.codeText == "4.01")
            broker.refuseConnects(.shuttingDown)
            #expect(client.ask(.post, "ps/t", payload: [1])?.codeText == "5.03")
            #expect(broker.published.isEmpty)
        }
    }

    @Test func repeatedPublishIsPublishedOnce() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            let request = TestMessage.request(.con, .post, "ps/t", id: 4711, payload: [1])
            for _ in 0..<3 { client.send(request) }
            let answers = (0..<3).compactMap { _ in client.receive() }
            #expect(answers.map(\.codeText) == ["2.04", "2.04", "2.04"])
            #expect(broker.published.count == 1)
        }
    }

    @Test func percentEncodedSlashStandsForALevel() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            let message = TestMessage(
                .con, 2, id: 9, options: [.init(11, "ps"), .init(11, "/a"), .init(11, "b")], payload: [1])
            client.send(message)
            #expect(client.receive()?.codeText == "2.04")
            #expect(broker.published.first?.topic.string == "/a/b")
        }
    }
}
