import Messaging
import TestKit
import Testing

@testable import CoAP

/// Blocks over the real socket.
@Suite(.timeLimit(.minutes(1)))
struct BlockwiseTests {
    private static let body = (0..<20_480).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }

    /// Sends a body in blocks, and returns the last answer.
    private func upload(
        _ body: [UInt8], to path: String, exponent: UInt8, with client: DatagramClient,
        options: [TestMessage.Option] = []
    ) throws -> TestMessage {
        var offset = 0
        while true {
            let part = try #require(Block.cut(body, offset: offset, exponent: exponent))
            var all = options + [.init(27, uint: part.block.value)]
            if offset == 0 { all.append(.init(60, uint: UInt32(body.count))) }
            let answer = try #require(client.ask(.put, path, options: all, payload: Array(part.payload)))
            guard part.block.more, answer.codeText == "2.31" else { return answer }
            #expect(answer.uint(27) == part.block.value)
            offset += part.payload.count
        }
    }

    @Test func twentyKilobytesGoUpAndComeDownUnchanged() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            let answer = try upload(Self.body, to: "ps/t", exponent: 2, with: client)
            #expect(answer.codeText == "2.01")
            #expect(answer.uint(27) == Block(number: 319, more: false, exponent: 2).value)
            #expect(broker.published.map(\.payload) == [Self.body])
            var received: [UInt8] = []
            var tags: Set<[UInt8]> = []
            for number: UInt32 in 0..<640 {
                let wish = Block(number: number, more: false, exponent: 1)
                let part = try #require(client.ask(.get, "ps/t", options: [.init(23, uint: wish.value)]))
                received += part.payload
                tags.formUnion(part.values(4))
                #expect(part.uint(23).flatMap(Block.init)?.more == (number < 639))
            }
            #expect(received == Self.body)
            #expect(tags.count == 1)
        }
    }

    @Test func bodyDoesNotChangeWhileItIsRead() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            try broker.publish("t", [UInt8](repeating: 1, count: 2_000), retain: true)
            let first = try #require(client.ask(.get, "ps/t"))
            try broker.publish("t", [UInt8](repeating: 2, count: 2_000), retain: true)
            let wish = Block(number: 1, more: false, exponent: 6)
            let second = try #require(client.ask(.get, "ps/t", options: [.init(23, uint: wish.value)]))
            #expect(second.payload == [UInt8](repeating: 1, count: 976))
            #expect(second.values(4) == first.values(4))
            #expect(client.ask(.get, "ps/t")?.payload.first == 2)
        }
    }

    @Test func uploadsOfTwoClientsAndToTwoTopicsNeverMix() async throws {
        try await withGateway { broker, port in
            let clients = [try DatagramClient(port: port), try DatagramClient(port: port)]
            let bodies: [(client: Int, topic: String, body: [UInt8])] = [
                (0, "a", [UInt8](repeating: 1, count: 100)), (0, "b", [UInt8](repeating: 2, count: 100)),
                (1, "a", [UInt8](repeating: 3, count: 100)),
            ]
            for offset in stride(from: 0, to: 100, by: 16) {
                for upload in bodies {
                    let part = try #require(Block.cut(upload.body, offset: offset, exponent: 0))
                    _ = clients[upload.client].ask(
                        .put, "ps/\(upload.topic)", options: [.init(27, uint: part.block.value)], payload: Array(part.payload))
                }
            }
            #expect(broker.published.map(\.topic.string) == ["a", "b", "a"])
            #expect(broker.published.map(\.payload) == bodies.map(\.body))
        }
    }

    /// Two datagrams that crash libcoap's own block layer.
    @Test(arguments: [TestMessage.Kind.con, .non])
    func emptyBlocksAreRefused(_ kind: TestMessage.Kind) async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            for exponent: UInt32 in 0...7 {
                let first = client.ask(.put, "ps/t", kind: kind, options: [.init(27, uint: 8 | exponent)])
                #expect(first?.codeText == "4.00")
                let second = client.ask(.put, "ps/t", kind: kind, options: [.init(27, uint: 1 << 4 | exponent)])
                #expect(second?.codeText == (exponent == 7 ? "4.00" : "4.08"))
            }
            #expect(client.isAlive())
            #expect(broker.published.isEmpty)
        }
    }

    @Test func gapsAndExcessAreRefused() async throws {
        var limits = CoAPLimits()
        limits.bodyOctets = 1_000
        try await withGateway(limits: limits) { broker, port in
            let client = try DatagramClient(port: port)
            let full = [UInt8](repeating: 0, count: 64)
            func put(_ number: UInt32, more: Bool, _ payload: [UInt8], size: UInt32? = nil) -> TestMessage? {
                let block = Block(number: number, more: more, exponent: 2)
                let hint = size.map { [TestMessage.Option(60, uint: $0)] } ?? []
                return client.ask(.put, "ps/t", options: [.init(27, uint: block.value)] + hint, payload: payload)
            }
            #expect(put(0, more: true, full)?.codeText == "2.31")
            #expect(put(2, more: true, full)?.codeText == "4.08")
            #expect(put(1, more: false, full)?.codeText == "4.08")
            let refusal = put(0, more: true, full, size: 1_000_000_000)
            #expect(refusal?.codeText == "4.13")
            #expect(refusal?.uint(60) == 1_000)
            for number: UInt32 in 0..<15 { #expect(put(number, more: true, full)?.codeText == "2.31") }
            #expect(put(15, more: true, full)?.codeText == "4.13")
            #expect(broker.published.isEmpty)
        }
    }

    @Test func beyondTheEndIsABadRequest() async throws {
        try await withGateway { broker, port in
            let client = try DatagramClient(port: port)
            try broker.publish("t", [UInt8](repeating: 1, count: 100), retain: true)
            let wish = Block(number: 9, more: false, exponent: 2)
            #expect(client.ask(.get, "ps/t", options: [.init(23, uint: wish.value)])?.codeText == "4.00")
        }
    }
}
