import Messaging
import TestKit
import Testing

@testable import CoAP

/// Ten thousand damaged datagrams against a gateway that goes on serving.
@Suite(.timeLimit(.minutes(2)))
struct HostileDatagramTests {
    private static let seeds: [TestMessage] = [
        .request(.con, .put, "ps/a/b", id: 1, queries: ["clientid=c1", "qos=1"], options: [.init(12, [50])], payload: [1, 2, 3]),
        .request(.non, .post, "ps/x", id: 2, options: [.init(258, [26])], payload: Array("event".utf8)),
        .request(.con, .get, "ps/a/b", id: 3, token: Array(1...8), options: [.init(6), .init(17, [50]), .init(23, [6])]),
        .request(.con, .get, "ps/a/+/#", id: 4, options: [.init(6)]),
        .request(.con, .get, "ps/a/b", id: 5, options: [.init(6, [1])]),
        .request(.con, .put, "ps/long", id: 6, options: [.init(27, [0x0A]), .init(60, [0x40, 0, 0, 0])], payload: [UInt8](repeating: 7, count: 64)),
        .request(.con, .put, "ps/long", id: 7, options: [.init(27, [0x1A]), .init(292, [1])], payload: [UInt8](repeating: 7, count: 64)),
        .request(.con, .put, "ps/long", id: 8, options: [.init(27, [0x08])]),
        .request(.con, .put, "ps/long", id: 9, options: [.init(27, [0x10])]),
        .request(.con, .delete, "ps/a/b", id: 10, options: [.init(1, [1, 2])]),
        .request(.con, .get, ".well-known/core", id: 11, queries: ["rt=core.*"]),
        TestMessage(.ack, 0, id: 12), TestMessage(.rst, 0, id: 13), TestMessage(.con, 0, id: 14),
        TestMessage(.con, 0x45, id: 15, token: [1], options: [.init(6, [9])], payload: [1]),
        TestMessage(.ack, 0x5F, id: 16, token: [1], options: [.init(27, [0x0E])]),
    ]

    @Test func gatewayServesThroughAStormOfDamagedDatagrams() async throws {
        try await withGateway { broker, port in
            let attackers = try (0..<20).map { _ in try DatagramClient(port: port) }
            let witness = try DatagramClient(port: port)
            var generator = SeededGenerator(seed: 20_481)
            for round in 0..<10_000 {
                guard let seed = Self.seeds.randomElement(using: &generator) else { continue }
                var message = seed
                message.messageID = UInt16.random(in: 0...UInt16.max, using: &generator)
                attackers[round % attackers.count].send(generator.mutate(message.octets))
                // Keeps the socket's buffer from overflowing, so that everything is really read.
                if round.isMultiple(of: 50) { #expect(witness.isAlive()) }
                if round.isMultiple(of: 500) { try broker.publish("a/b", [1], qos: .atLeastOnce, retain: true) }
            }
            #expect(witness.isAlive())
            #expect(witness.ask(.put, "ps/sane", payload: [1])?.codeText == "2.01")
        }
    }

    @Test func regressionsStayFixed() async throws {
        for row in try FixtureTable("coap/regressions.txt").rows {
            try await withGateway { _, port in
                let client = try DatagramClient(port: port)
                for text in row[0].split(separator: ",") { client.send(try #require(octets(hex: String(text)))) }
                #expect(client.isAlive(), "\(row[1])")
            }
        }
    }

    @Test func malformedDatagramsAreCounted() async throws {
        try await withServer { _ in } _: { server, port in
            let client = try DatagramClient(port: port)
            for text in ["00", "ff ff ff ff", "40 01 00 01 ff", "4f 01 00 01"] {
                client.send(try #require(octets(hex: text)))
            }
            #expect(client.isAlive())
            #expect(server.statistics.malformed.current == 4)
        }
    }

    @Test func randomOctetsAreSurvived() async throws {
        try await withServer { _ in } _: { _, port in
            let client = try DatagramClient(port: port)
            var generator = SeededGenerator(seed: 3)
            for round in 0..<2_000 {
                let count = Int.random(in: 0...64, using: &generator)
                client.send((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
                if round.isMultiple(of: 100) { #expect(client.isAlive()) }
            }
            #expect(client.isAlive())
        }
    }
}
