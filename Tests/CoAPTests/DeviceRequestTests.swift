import TestKit
import Testing

@testable import CoAP

/// Requests of ours to devices, over the session a device opened. The device is played by hand.
@Suite(.timeLimit(.minutes(1)))
struct DeviceRequestTests {
    private struct Setup {
        let server: CoAPServer
        let device: DatagramClient
        let peer: CoAPPeer
    }

    /// A device that has said hello at `rd`.
    private func withDevice(
        limits: CoAPLimits = CoAPLimits(), _ body: (Setup) async throws -> Void
    ) async throws {
        let peers = Inbox<CoAPPeer>()
        try await withServer(limits: limits) { server in
            server.register(prefix: "rd") { request, responder in
                peers.put(request.peer)
                responder.answer(CoAPResponse(.created, locationPath: ["rd", "1"]))
            }
        } _: { server, port in
            let device = try DatagramClient(port: port)
            #expect(device.ask(.post, "rd", queries: ["ep=x"])?.codeText == "2.01")
            let peer = await peers.first(1)[0]
            try await body(Setup(server: server, device: device, peer: peer))
        }
    }

    @Test func piggybackedAnswerIsDelivered() async throws {
        try await withDevice { setup in
            let outcomes = Inbox<CoAPOutcome>()
            setup.server.send(
                CoAPOutgoingRequest(.get, path: ["3", "0"], accept: .lwm2mTLV), to: setup.peer, completion: outcomes.put)
            let request = try #require(setup.device.receiveNew())
            #expect(request.kind == .con)
            #expect(request.code == 1)
            #expect(request.values(11) == [Array("3".utf8), Array("0".utf8)])
            #expect(request.uint(17) == 11542)
            setup.device.send(
                TestMessage(
                    .ack, 0x45, id: request.messageID, token: request.token, options: [.init(12, uint: 11542)], payload: [1]))
            #expect(await outcomes.first(1) == [
                .response(CoAPResponse(.content, contentFormat: .lwm2mTLV, payload: [1]))
            ])
        }
    }

    @Test func separateAnswerIsAcknowledgedAndItsRepetitionToo() async throws {
        try await withDevice { setup in
            let outcomes = Inbox<CoAPOutcome>()
            setup.server.send(CoAPOutgoingRequest(.put, path: ["3"], payload: [5]), to: setup.peer, completion: outcomes.put)
            let request = try #require(setup.device.receiveNew())
            setup.device.acknowledge(request)
            let answer = TestMessage(.con, 0x44, id: 900, token: request.token)
            setup.device.send(answer)
            #expect(setup.device.receive()?.octets == TestMessage(.ack, 0, id: 900).octets)
            #expect(await outcomes.first(1) == [.response(CoAPResponse(.changed))])
            setup.device.send(answer)
            let again = setup.device.receive()
            #expect(again?.messageID == 900)
            #expect(setup.device.isAlive())
            #expect(outcomes.values.count == 1)
        }
    }

    @Test func resetAndSilenceAreTold() async throws {
        try await withDevice { setup in
            let outcomes = Inbox<CoAPOutcome>()
            setup.server.send(CoAPOutgoingRequest(.get, path: ["1"]), to: setup.peer, completion: outcomes.put)
            setup.device.reset(try #require(setup.device.receiveNew()))
            #expect(await outcomes.first(1) == [.reset])
            setup.server.send(
                CoAPOutgoingRequest(.get, path: ["2"]), to: setup.peer, timeout: .milliseconds(50), completion: outcomes.put)
            #expect(await outcomes.first(2) == [.reset, .timeout])
        }
    }

    @Test func requestsGoOneAtATimeAndTheirNumberIsLimited() async throws {
        var limits = CoAPLimits()
        limits.requestsPerPeer = 3
        try await withDevice(limits: limits) { setup in
            let outcomes = Inbox<CoAPOutcome>()
            for index in 0..<4 {
                setup.server.send(CoAPOutgoingRequest(.get, path: ["\(index)"]), to: setup.peer, completion: outcomes.put)
            }
            #expect(await outcomes.first(1) == [.busy])
            for index in 0..<3 {
                let request = try #require(setup.device.receiveNew())
                #expect(request.values(11) == [Array("\(index)".utf8)])
                setup.device.send(TestMessage(.ack, 0x45, id: request.messageID, token: request.token))
            }
            #expect(await outcomes.first(4).dropFirst() == [.init(.content), .init(.content), .init(.content)])
        }
    }

    @Test func longPayloadGoesInBlocksAndLongAnswerIsFetched() async throws {
        try await withDevice { setup in
            let body = (0..<2_500).map { UInt8(truncatingIfNeeded: $0) }
            let outcomes = Inbox<CoAPOutcome>()
            setup.server.send(
                CoAPOutgoingRequest(.post, path: ["5"], payload: body), to: setup.peer, completion: outcomes.put)
            var received: [UInt8] = []
            var tokens: Set<[UInt8]> = []
            while true {
                let request = try #require(setup.device.receiveNew())
                let block = try #require(request.uint(27).flatMap(Block.init))
                received += request.payload
                tokens.insert(request.token)
                #expect(block.offset + request.payload.count == received.count)
                let first = [TestMessage.Option(27, uint: block.value)]
                guard block.more else {
                    setup.device.send(
                        TestMessage(
                            .ack, 0x45, id: request.messageID, token: request.token,
                            options: first + [.init(23, uint: Block(number: 0, more: true, exponent: 5).value)],
                            payload: Array(body.prefix(512))))
                    break
                }
                setup.device.send(TestMessage(.ack, 0x5F, id: request.messageID, token: request.token, options: first))
            }
            #expect(received == body)
            #expect(tokens.count == 3)
            let rest = try #require(setup.device.receiveNew())
            #expect(rest.uint(23) == Block(number: 1, more: false, exponent: 5).value)
            #expect(rest.payload.isEmpty)
            setup.device.send(
                TestMessage(
                    .ack, 0x45, id: rest.messageID, token: rest.token,
                    options: [.init(23, uint: Block(number: 1, more: false, exponent: 5).value)], payload: [7, 7]))
            #expect(await outcomes.first(1) == [
                .response(CoAPResponse(.content, payload: Array(body.prefix(512)) + [7, 7]))
            ])
        }
    }

    @Test func observationDeliversNewerNotificationsUntilCancelled() async throws {
        try await withDevice { setup in
            let events = Inbox<CoAPObservationEvent>()
            let observation = setup.server.observe(
                CoAPOutgoingRequest(.get, path: ["3303", "0", "5700"]), on: setup.peer, handler: events.put)
            let request = try #require(setup.device.receiveNew())
            #expect(request.values(6) == [[]])
            func notify(_ id: UInt16, _ sequence: UInt8, _ kind: TestMessage.Kind = .con) {
                setup.device.send(
                    TestMessage(kind, 0x45, id: id, token: request.token, options: [.init(6, [sequence])], payload: [sequence]))
            }
            notify(request.messageID, 10, .ack)
            #expect(await events.first(1) == [.answered(CoAPResponse(.content, observe: 10, payload: [10]))])
            notify(50, 12)
            #expect(setup.device.receive()?.octets == TestMessage(.ack, 0, id: 50).octets)
            notify(51, 11)
            #expect(setup.device.receive()?.octets == TestMessage(.ack, 0, id: 51).octets)
            notify(52, 13)
            #expect(setup.device.receive()?.octets == TestMessage(.ack, 0, id: 52).octets)
            #expect(await events.first(3).dropFirst() == [
                .notified(CoAPResponse(.content, observe: 12, payload: [12])),
                .notified(CoAPResponse(.content, observe: 13, payload: [13])),
            ])
            setup.server.cancel(observation)
            #expect(setup.device.isAlive())
            notify(53, 14)
            #expect(setup.device.receive()?.octets == TestMessage(.rst, 0, id: 53).octets)
        }
    }

    @Test func peerThatIsGoneIsSaidToBe() async throws {
        let outcomes = Inbox<CoAPOutcome>()
        try await withDevice { setup in
            setup.server.send(CoAPOutgoingRequest(.get, path: ["1"]), to: setup.peer, completion: outcomes.put)
            _ = setup.device.receive()
            let stranger = CoAPPeer(id: 999, address: "127.0.0.1:1", isLoopback: true, transport: .udp)
            setup.server.send(CoAPOutgoingRequest(.get, path: ["1"]), to: stranger, completion: outcomes.put)
            #expect(await outcomes.first(1) == [.gone])
        }
        // The server has stopped meanwhile.
        #expect(await outcomes.first(2) == [.gone, .gone])
    }
}

extension CoAPOutcome {
    fileprivate init(_ code: CoAPCode) { self = .response(CoAPResponse(code)) }
}
