import Foundation
import Messaging
import TestKit
import Testing

@testable import CoAP

/// Where make test puts aiocoap.
private enum Aiocoap {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path()
    static let client = repository + ".venv/bin/aiocoap-client"
    static let python = repository + ".venv/bin/python"
    /// Prints each notification as code and payload in hex.
    static let script = repository + "Tests/EndToEndTests/Clients/coap.py"

    static func digits(_ text: String) -> String { hex(text.utf8).filter { $0 != " " } }
    static let isInstalled = FileManager.default.isExecutableFile(atPath: client)
}

/// What aiocoap makes of the gateway.
@Suite(.timeLimit(.minutes(2)), .enabled(if: Aiocoap.isInstalled, "aiocoap is installed into .venv by make test"))
struct AiocoapClientTests {
    private func run(_ arguments: [String], _ port: Int, _ path: String) async throws -> (lines: [String], errors: [String]) {
        let client = try Program(
            Aiocoap.client, ["--no-color", "--no-pretty-print"] + arguments + ["coap://127.0.0.1:\(port)/\(path)"],
            environment: ["PYTHONUNBUFFERED": "1"])
        client.finishInput()
        _ = try await client.exitStatus()
        return (client.lines, client.errorLines)
    }

    @Test func publishesReadsAndClears() async throws {
        try await withGateway { broker, port in
            _ = try await run(["-m", "PUT", "--payload", "hello", "--content-format", "text/plain;charset=utf-8"], port, "ps/t")
            #expect(broker.published.map(\.payload) == [Array("hello".utf8)])
            #expect(broker.published.first?.properties?.contentType == "text/plain;charset=utf-8")
            let first = try await run([], port, "ps/t")
            #expect(first.lines.first == "hello")
            _ = try await run(["-m", "POST", "--non", "--payload", "x"], port, "ps/u")
            #expect(broker.published.last?.qos == .atMostOnce)
            _ = try await run(["-m", "DELETE"], port, "ps/t")
            let second = try await run([], port, "ps/t")
            #expect(second.errors.joined().contains("4.04"))
        }
    }

    @Test func movesLongPayloadsInBlocks() async throws {
        try await withGateway { broker, port in
            let text = (0..<500).map { "line \($0);" }.joined()
            _ = try await run(["-m", "PUT", "--payload", text, "--payload-initial-szx", "2"], port, "ps/long")
            #expect(broker.published.map(\.payload) == [Array(text.utf8)])
            let first = try await run([], port, "ps/long")
            #expect(first.lines == [text])
        }
    }

    @Test func observesAlsoLongValues() async throws {
        try await withGateway { broker, port in
            try broker.publish("t", Array("first".utf8), retain: true)
            let client = try Program(Aiocoap.python, [Aiocoap.script, "observe", "coap://127.0.0.1:\(port)/ps/t"])
            try await client.line { $0 == "READY 2.05 \(Aiocoap.digits("first"))" }
            for text in ["second", String(repeating: "x", count: 3_000), "last"] {
                try broker.publish("t", Array(text.utf8), qos: .atLeastOnce, retain: true)
                try await client.line { $0 == "NOTIFY 2.05 \(Aiocoap.digits(text))" }
            }
            client.signal(SIGKILL)
        }
    }
}
