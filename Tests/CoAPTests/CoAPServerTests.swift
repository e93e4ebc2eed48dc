@testable import CoAP
import Messaging
import Synchronization
import TestKit
import Testing

@Suite(.timeLimit(.minutes(1)))
struct CoAPServerTests {
    /// Answers with what came in.
    static let echo: CoAPServer.Handler = { request, responder in
        responder.answer(CoAPResponse(.content, contentFormat: request.contentFormat, payload: request.payload))
    }

    @Test func answersInTheAcknowledgement() async throws {
        try await withServer { $0.register(prefix: "echo", handler: Self.echo) } _: { _, port in
            let client = try DatagramClient(port: port)
            let answer = try #require(client.ask(.post, "echo/x", token: [7, 8], payload: Array("hello".utf8)))
            #expect(answer.kind == .ack)
            #expect(answer.messageID == client.lastID)
            #expect(answer.token == [7, 8])
            #expect(answer.codeText == "2.05")
            #expect(answer.text == "hello")
        }
    }

    @Test func answersNonConfirmableRequestsLikewise() async throws {
        try await withServer { $0.register(prefix: "echo", handler: Self.echo) } _: { _, port in
            let client = try DatagramClient(port: port)
            let answer = try #require(client.ask(.post, "echo", kind: .non, payload: [1]))
            #expect(answer.kind == .non)
            #expect(answer.payload == [1])
        }
    }

    @Test func unknownPathsAreNotFoundWhateverTheMethod() async throws {
        try await withServer { _ in } _: { _, port in
            let client = try DatagramClient(port: port)
            for method in CoAPMethod.allCases {
                #expect(try #require(client.ask(method, "nowhere")).codeText == "4.04")
            }
        }
    }

    @Test func repeatedRequestIsCarriedOutOnceAndAnsweredAgain() async throws {
        let count = Inbox<Int>()
        try await withServer { server in
            server.register(prefix: "once") { _, responder in
                count.put(1)
                responder.answer(CoAPResponse(.changed, payload: [UInt8(count.values.count)]))
            }
        } _: { _, port in
            let client = try DatagramClient(port: port)
            let request = TestMessage.request(.con, .post, "once", id: 77, token: [9])
            let answers = (0..<3).compactMap { _ in
                client.send(request)
                return client.receive()
            }
            #expect(answers.count == 3)
            #expect(Set(answers.map(\.octets)).count == 1)
            #expect(count.values.count == 1)
            // Another token under the same message id is a client that has restarted.
            client.send(TestMessage.request(.con, .post, "once", id: 77, token: [10]))
            #expect(client.receive()?.payload == [2])
        }
    }

    @Test func lateAnswerComesSeparatelyAndConfirmable() async throws {
        let waiting = Inbox<CoAPResponder>()
        try await withServer { $0.register(prefix: "slow") { _, responder in waiting.put(responder) } } _: { _, port in
            let client = try DatagramClient(port: port)
            let acknowledgement = try #require(client.ask(.post, "slow", token: [3, 4]))
            #expect(acknowledgement.octets == TestMessage(.ack, 0, id: client.lastID).octets)
            // A repetition meanwhile is acknowledged, not carried out.
            client.send(TestMessage.request(.con, .post, "slow", id: client.lastID, token: [3, 4]))
            #expect(client.receive()?.octets == acknowledgement.octets)
            let responders = await waiting.first(1)
            #expect(responders.count == 1)
            responders[0].answer(CoAPResponse(.changed))
            let answer = try #require(client.receive())
            #expect(answer.kind == .con)
            #expect(answer.token == [3, 4])
            #expect(answer.codeText == "2.04")
            client.acknowledge(answer)
            #expect(client.isAlive())
        }
    }

    @Test func unknownCriticalOptionIsABadOption() async throws {
        let seen = Inbox<Int>()
        try await withServer { server in
            server.register(prefix: "echo") { _, responder in
                seen.put(1)
                responder.answer(CoAPResponse(.content))
            }
        } _: { _, port in
            let client = try DatagramClient(port: port)
            #expect(client.ask(.post, "echo", options: [.init(9001, [1])])?.codeText == "4.02")
            // Of a length the standard forbids: libcoap takes that for a malformed message and resets it.
            #expect(client.ask(.post, "echo", options: [.init(17, [1, 2, 3])])?.kind == .rst)
            #expect(client.ask(.post, "echo", options: [.init(17, [1]), .init(17, [1])])?.codeText == "4.02")
            #expect(client.ask(.post, "echo", options: [.init(15, [0xFF, 0xFE])])?.codeText == "4.02")
            #expect(client.ask(.post, "echo", options: [.init(27, [7])])?.codeText == "4.00")
            // Elective ones are ignored.
            #expect(client.ask(.post, "echo", options: [.init(9000, [1])])?.codeText == "2.05")
            #expect(seen.values.count == 1)
        }
    }

    @Test func noResponseSilencesTheAnswer() async throws {
        try await withServer { $0.register(prefix: "echo", handler: Self.echo) } _: { _, port in
            let client = try DatagramClient(port: port)
            client.send(.request(.non, .post, "echo", id: 5, options: [.init(258, [26])], payload: [1]))
            let confirmed = client.ask(.post, "echo", token: [2], options: [.init(258, [2])], payload: [1])
            #expect(confirmed?.octets == TestMessage(.ack, 0, id: client.lastID).octets)
            // Errors are of another class and come.
            #expect(client.ask(.post, "nowhere", options: [.init(258, [2])])?.codeText == "4.04")
        }
    }

    @Test func pingIsAnsweredWithReset() async throws {
        try await withServer { _ in } _: { _, port in
            let client = try DatagramClient(port: port)
            // libcoap answers a session's pings once in 250 ms, and not in the first 250 ms of the process.
            var answer: TestMessage?
            for _ in 0..<600 where answer == nil {
                client.send(TestMessage(.con, 0, id: 3))
                answer = client.receive(within: 100)
            }
            #expect(answer?.octets == TestMessage(.rst, 0, id: 3).octets)
        }
    }

    @Test func discoveryListsAndFilters() async throws {
        let link = CoAPLink("/ps", [.init("rt", "core.ps core.ps.coll"), .init("ct", "40"), .init("obs")])
        try await withServer { server in
            server.register(prefix: "ps", links: [link], handler: Self.echo)
            server.register(prefix: "rd", links: [CoAPLink("/rd", [.init("rt", "core.rd")])], handler: Self.echo)
        } _: { _, port in
            let client = try DatagramClient(port: port)
            let all = try #require(client.ask(.get, ".well-known/core"))
            #expect(all.codeText == "2.05")
            #expect(all.uint(12) == 40)
            #expect(all.text == #"</ps>;rt="core.ps core.ps.coll";ct=40;obs,</rd>;rt="core.rd""#)
            #expect(client.ask(.get, ".well-known/core", queries: ["rt=core.ps*"])?.text.hasPrefix("</ps>") == true)
            let none = client.ask(.get, ".well-known/core", queries: ["rt=none"])
            #expect(none?.codeText == "2.05")
            #expect(none?.payload == [])
            #expect(client.ask(.put, ".well-known/core")?.codeText == "4.05")
        }
    }

    @Test func oversizedDatagramIsRefusedWhole() async throws {
        let seen = Inbox<Int>()
        try await withServer { server in
            server.register(prefix: "echo") { request, responder in
                seen.put(request.payload.count)
                responder.answer(CoAPResponse(.content))
            }
        } _: { _, port in
            let client = try DatagramClient(port: port)
            #expect(client.ask(.put, "echo", payload: [UInt8](repeating: 1, count: 1_400))?.codeText == "2.05")
            let refusal = client.ask(.put, "echo", payload: [UInt8](repeating: 1, count: 3_000))
            #expect(refusal?.kind == .rst || refusal?.codeText == "4.13")
            #expect(client.isAlive())
            #expect(seen.values == [1_400])
        }
    }

    @Test func silentPeerIsForgottenAndSaidToBeGone() async throws {
        var limits = CoAPLimits()
        limits.idleSession = .seconds(1)
        let gone = Inbox<CoAPPeer>()
        let seen = Inbox<CoAPPeer>()
        try await withServer(limits: limits) { server in
            server.onPeerGone(gone.put)
            server.register(prefix: "echo") { request, responder in
                seen.put(request.peer)
                responder.answer(CoAPResponse(.content))
            }
        } _: { _, port in
            let client = try DatagramClient(port: port)
            _ = client.ask(.get, "echo")
            #expect(await gone.first(1) == seen.values)
            // The same address is another peer from now on.
            _ = client.ask(.get, "echo")
            #expect(Set(seen.values).count == 2)
        }
    }

    @Test func pinnedPeerStaysUntilUnpinned() async throws {
        var limits = CoAPLimits()
        limits.idleSession = .seconds(1)
        let gone = Inbox<CoAPPeer>()
        let seen = Inbox<CoAPPeer>()
        try await withServer(limits: limits) { server in
            server.onPeerGone(gone.put)
            server.register(prefix: "echo") { request, responder in
                seen.put(request.peer)
                responder.answer(CoAPResponse(.content))
            }
        } _: { server, port in
            let clients = [try DatagramClient(port: port), try DatagramClient(port: port)]
            _ = clients[0].ask(.get, "echo")
            server.pin(seen.values[0])
            _ = clients[1].ask(.get, "echo")
            #expect(await gone.first(1) == [seen.values[1]])
            server.unpin(seen.values[0])
            #expect(await gone.first(2).last == seen.values[0])
        }
    }

    @Test func portInUseIsOneClearError() async throws {
        try await withServer { _ in } _: { server, port in
            var configuration = CoAPServer.Configuration()
            configuration.port = port
            let second = CoAPServer(configuration: configuration, clock: server.clock, logger: server.logger)
            await #expect {
                _ = try await second.bind()
            } throws: { error in
                "\(error)".contains("port \(port)/udp: the port is in use by another program")
            }
        }
    }
}
