import Messaging
import TestKit
import Testing

@testable import CoAP

@Suite(.timeLimit(.minutes(1)))
struct ObserveTests {
    private static let register = TestMessage.Option(6)
    private static let deregister = TestMessage.Option(6, [1])

    @Test func observerGetsRetainedValueThenNotificationsInOrder() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            try broker.publish("t", Array("0".utf8), retain: true)
            let first = try #require(client.ask(.get, "ps/t", token: [1, 2], options: [Self.register]))
            #expect(first.kind == .ack)
            #expect(first.codeText == "2.05")
            #expect(first.text == "0")
            var last = try #require(first.uint(6))
            for index in 1...3 {
                try broker.publish("t", Array("\(index)".utf8))
                let notification = try #require(client.receive())
                #expect(notification.kind == .non)
                #expect(notification.token == [1, 2])
                #expect(notification.text == "\(index)")
                let number = try #require(notification.uint(6))
                #expect(ObserveSequence.isNewer(number, at: .init(nanoseconds: 0), than: last, seenAt: .init(nanoseconds: 0)))
                last = number
            }
            #expect(broker.session("coap:127.0.0.1:\(try client.localPort())")?.filters == ["t"])
        }
    }

    @Test func withoutValueTheFirstAnswerIsEmptyAndObserves() async throws {
        try await withGateway { _, port in
            let client = try DatagramClient(port: port)
            let first = try #require(client.ask(.get, "ps/t", token: [], options: [Self.register]))
            #expect(first.codeText == "2.05")
            #expect(first.payload.isEmpty)
            #expect(first.uint(6) != nil)
        }
    }

    @Test func confirmableNotificationsGoOneAtATimeInOrder() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            _ = client.ask(.get, "ps/t", token: Array(1...8), queries: ["clientid=c"], options: [Self.register])
            for index in 0..<100 { try broker.publish("t", [UInt8(index)], qos: .atLeastOnce) }
            for index in 0..<100 {
                let notification = try #require(client.receive())
                #expect(notification.kind == .con)
                #expect(notification.payload == [UInt8(index)])
                if index == 0 {
                    // Nothing comes before the acknowledgement; a ping is answered meanwhile.
                    #expect(client.isAlive())
                    #expect(broker.session("coap:c")?.backlog == 100)
                }
                client.acknowledge(notification)
            }
            #expect(client.isAlive())
            #expect(broker.settlements == Array(repeating: .acknowledged, count: 100))
        }
    }

    @Test func deregisteringEndsTheSubscriptionAndStillReads() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            try broker.publish("t", [7], retain: true)
            _ = client.ask(.get, "ps/t", token: [1], queries: ["c=c"], options: [Self.register])
            #expect(broker.session("coap:c")?.filters == ["t"])
            let answer = try #require(client.ask(.get, "ps/t", token: [1], queries: ["c=c"], options: [Self.deregister]))
            #expect(answer.codeText == "2.05")
            #expect(answer.values(6).isEmpty)
            #expect(answer.payload == [7])
            #expect(broker.session("coap:c") == nil)
            try broker.publish("t", [8])
            #expect(client.isAlive())
        }
    }

    @Test(arguments: [QoS.atMostOnce, .atLeastOnce])
    func resetEndsTheObservation(_ qos: QoS) async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            _ = client.ask(.get, "ps/t", token: [1], queries: ["c=c"], options: [Self.register])
            try broker.publish("t", [1], qos: qos)
            let notification = try #require(client.receive())
            #expect(notification.kind == (qos == .atMostOnce ? .non : .con))
            client.reset(notification)
            #expect(client.isAlive())
            #expect(broker.session("coap:c") == nil)
        }
    }

    @Test func silenceEndsTheObservation() async throws {
        var limits = CoAPLimits()
        limits.acknowledgementTimeout = .seconds(1)
        limits.retransmissions = 1
        let gone = Inbox<CoAPObserverEnd>()
        let outcomes = Inbox<CoAPNotificationOutcome>()
        try await withServer(limits: limits) { server in
            server.register(prefix: "x") { request, responder in
                responder.answerObserving(CoAPResponse(.content), ended: gone.put)
                server.notify(request.observer, CoAPResponse(.content), confirmable: true, completion: outcomes.put)
                server.notify(request.observer, CoAPResponse(.content), confirmable: true, completion: outcomes.put)
            }
        } _: { _, port in
            let client = try DatagramClient(port: port)
            _ = client.ask(.get, "x", options: [Self.register])
            #expect(await gone.first(1) == [.timeout])
            #expect(outcomes.values == [.busy, .timeout])
            let notifications = [client.receive(), client.receive()].compactMap { $0 }
            #expect(Set(notifications.map(\.messageID)).count == 1)
        }
    }

    @Test func tokensOnOneTopicAreSeparateAndReRegistrationDoesNotDouble() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            for token: UInt8 in [1, 2, 1] {
                let answer = client.ask(.get, "ps/t", token: [token], queries: ["c=c"], options: [Self.register])
                #expect(answer?.uint(6) != nil)
            }
            try broker.publish("t", [5])
            let both = [client.receive(), client.receive()].compactMap { $0?.token }
            #expect(Set(both) == [[1], [2]])
            _ = client.ask(.get, "ps/t", token: [1], queries: ["c=c"], options: [Self.deregister])
            try broker.publish("t", [6])
            #expect(client.receive()?.token == [2])
            #expect(client.isAlive())
        }
    }

    @Test func tokenMovedToAnotherTopicLeavesTheFirst() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            _ = client.ask(.get, "ps/a", token: [1], queries: ["c=c"], options: [Self.register])
            _ = client.ask(.get, "ps/b", token: [1], queries: ["c=c"], options: [Self.register])
            #expect(broker.session("coap:c")?.filters == ["b"])
            try broker.publish("a", [1])
            try broker.publish("b", [2])
            #expect(client.receive()?.payload == [2])
        }
    }

    @Test func patternsNameTheTopicInLocationPath() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            try broker.publish("room/1/temperature", [9], retain: true)
            let first = try #require(client.ask(.get, "ps/room/+/temperature", token: [1], options: [Self.register]))
            #expect(first.codeText == "2.05")
            #expect(first.uint(6) != nil)
            let retained = try #require(client.receive())
            #expect(retained.values(8).map { String(decoding: $0, as: UTF8.self) } == ["ps", "room", "1", "temperature"])
            #expect(retained.payload == [9])
            try broker.publish("room/2/temperature", [10])
            let second = try #require(client.receive())
            #expect(second.values(8).map { String(decoding: $0, as: UTF8.self) } == ["ps", "room", "2", "temperature"])
            #expect(client.ask(.get, "ps/room/+x", token: [2], options: [Self.register])?.codeText == "4.00")
        }
    }

    @Test func forbiddenTopicIsNotObserved() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            broker.forbid("secret")
            let answer = try #require(client.ask(.get, "ps/secret", token: [1], queries: ["c=c"], options: [Self.register]))
            #expect(answer.codeText == "4.01")
            #expect(answer.values(6).isEmpty)
            #expect(broker.session("coap:c") == nil)
        }
    }

    @Test func refusedReRegistrationEndsWhatWasThere() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            _ = client.ask(.get, "ps/t", token: [1], queries: ["c=c"], options: [Self.register])
            broker.forbid("secret")
            #expect(client.ask(.get, "ps/secret", token: [1], queries: ["c=c"], options: [Self.register])?.codeText == "4.01")
            #expect(client.isAlive())
            #expect(broker.session("coap:c") == nil)
        }
    }

    @Test func clientsOfOneNameShareASession() async throws {
        try await withGateway { broker, port in
            let clients = [try DatagramClient(port: port), try DatagramClient(port: port)]
            for client in clients {
                #expect(client.ask(.get, "ps/t", token: [1], queries: ["c=c"], options: [Self.register])?.uint(6) != nil)
            }
            #expect(broker.connectRequests.count == 1)
            try broker.publish("t", [5])
            for client in clients { #expect(client.receive()?.payload == [5]) }
            _ = clients[0].ask(.get, "ps/t", token: [1], queries: ["c=c"], options: [Self.deregister])
            #expect(broker.session("coap:c")?.filters == ["t"])
        }
    }

    @Test func anotherContentFormatThanAcceptedEndsTheObservation() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            _ = client.ask(.get, "ps/t", token: [1], queries: ["c=c"], options: [Self.register, .init(17, [60])])
            _ = client.ask(.post, "ps/t", token: [2], options: [.init(12, [50])], payload: [1])
            let last = try #require(client.receive())
            #expect(last.codeText == "4.06")
            #expect(last.token == [1])
            #expect(client.isAlive())
            #expect(broker.session("coap:c") == nil)
        }
    }

    @Test func endedByTheCoreTellsTheObserver() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            _ = client.ask(.get, "ps/t", token: [1], queries: ["c=c"], options: [Self.register])
            broker.close("coap:c", .administrative)
            let last = try #require(client.receive())
            #expect(last.codeText == "4.03")
            #expect(last.values(6).isEmpty)
        }
    }

    @Test func slowConnectAnswersLater() async throws {
        try await withGateway { broker, port in
            broker.parkConnects()
            let client = try DatagramClient(port: port)
            let acknowledgement = try #require(client.ask(.get, "ps/t", token: [1], options: [Self.register]))
            #expect(acknowledgement.code == 0)
            broker.releaseConnects()
            let answer = try #require(client.receive())
            #expect(answer.kind == .con)
            #expect(answer.uint(6) != nil)
            client.acknowledge(answer)
        }
    }

    @Test func longNotificationIsFetchedBlockByBlock() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            let body = (0..<3_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
            _ = client.ask(.get, "ps/t", token: [1], options: [Self.register])
            try broker.publish("t", body)
            let first = try #require(client.receive())
            #expect(first.uint(23).flatMap(Block.init)?.more == true)
            #expect(first.uint(28) == 3_000)
            var received = first.payload
            for number: UInt32 in 1...2 {
                let block = Block(number: number, more: false, exponent: 6)
                let next = try #require(client.ask(.get, "ps/t", token: [9], options: [.init(23, uint: block.value)]))
                #expect(next.values(4) == first.values(4))
                received += next.payload
            }
            #expect(received == body)
        }
    }
}
