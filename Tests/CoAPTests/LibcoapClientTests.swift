import Foundation
import Messaging
import TestKit
import Testing

@testable import CoAP

/// What libcoap's own client makes of the gateway.
@Suite(.timeLimit(.minutes(2)))
struct LibcoapClientTests {
    private func run(_ arguments: [String], _ port: Int, _ path: String) async throws -> [String] {
        let client = try Program("coap-client-openssl", ["-B", "10"] + arguments + ["coap://127.0.0.1:\(port)/\(path)"])
        client.finishInput()
        let first = try await client.exitStatus()
        #expect(first == 0)
        return client.lines + client.errorLines
    }

    @Test func publishesReadsAndClears() async throws {
        try await withGateway { broker, port in
            let first = try await run(["-m", "put", "-e", "21.5", "-t", "0"], port, "ps/room/temperature")
            #expect(first == [])
            #expect(broker.published.map(\.payload) == [Array("21.5".utf8)])
            let second = try await run(["-m", "get"], port, "ps/room/temperature")
            #expect(second == ["21.5"])
            let third = try await run(["-m", "post", "-N", "-e", "event"], port, "ps/events?qos=1")
            #expect(third == [])
            #expect(broker.published.last?.qos == .atLeastOnce)
            let fourth = try await run(["-m", "delete"], port, "ps/room/temperature")
            #expect(fourth == [])
            let fifth = try await run(["-m", "get"], port, "ps/room/temperature")
            #expect(fifth.joined().hasPrefix("4.04"))
        }
    }

    @Test func movesLongPayloadsInSmallBlocks() async throws {
        try await withGateway { broker, port in
            let text = (0..<500).map { "line \($0);" }.joined()
            _ = try await run(["-m", "put", "-b", "64", "-e", text], port, "ps/long")
            #expect(broker.published.map(\.payload) == [Array(text.utf8)])
            let first = try await run(["-m", "get", "-b", "32"], port, "ps/long")
            #expect(first == [text])
        }
    }

    @Test func observes() async throws {
        try await withGateway { broker, port in
            try broker.publish("t", Array("first".utf8), retain: true)
            let client = try Program(
                "stdbuf", ["-oL", "coap-client-openssl", "-w", "-s", "30", "coap://127.0.0.1:\(port)/ps/t"])
            try await client.line { $0 == "first" }
            for index in 0..<20 {
                try broker.publish("t", Array("value \(index)".utf8), qos: index.isMultiple(of: 2) ? .atLeastOnce : .atMostOnce)
            }
            let lines = try await client.lines(20) { $0.hasPrefix("value") }
            #expect(lines == (0..<20).map { "value \($0)" })
            client.signal(SIGKILL)
        }
    }

    @Test func discovers() async throws {
        try await withGateway { _, port in
            let first = try await run(["-m", "get"], port, ".well-known/core?rt=core.ps")
            #expect(first == [#"</ps>;rt="core.ps core.ps.coll";obs"#])
        }
    }
}
