import TestKit

/// coap-client-openssl (libcoap) and aiocoap, as tests use them.
enum CoAPClients {
    static func uri(_ apus: RunningApus, _ topic: String) throws -> String {
        "coap://127.0.0.1:\(try apus.port("coap.udp"))/ps/\(topic)"
    }

    /// Publishes with libcoap's client: by PUT, which also retains, or by POST.
    static func libcoapPublish(
        _ apus: RunningApus, _ topic: String, _ payload: [UInt8], method: String = "put"
    ) async throws {
        let client = try Program("coap-client-openssl", ["-m", method, "-f", "-", "-B", "10", try uri(apus, topic)])
        client.finishInput(payload)
        let status = try await client.exitStatus()
        guard status == 0, client.errorLines.isEmpty, client.lines.isEmpty else {
            throw Program.Missing(description: "coap-client: \(status) \(client.lines) \(client.errorLines)")
        }
    }

    /// Observes with libcoap's client; its output is the payloads, one a line, so they must not contain line ends.
    static func libcoapObserve(_ apus: RunningApus, _ topic: String) async throws -> Program {
        let client = try Program("stdbuf", ["-oL", "coap-client-openssl", "-w", "-v", "7", "-s", "60", try uri(apus, topic)])
        try await client.line { $0.contains("ACK") && $0.contains("Observe:") }
        return client
    }

    /// One request with aiocoap.
    /// - Returns: its answer: `2.04 `, or `2.05 6869` with the payload in hex.
    static func aiocoap(_ apus: RunningApus, _ method: String, _ topic: String, _ payload: [UInt8] = []) async throws -> String {
        let digits = hex(payload).filter { $0 != " " }
        let client = try Program(BuiltProducts.python, [script, method, try uri(apus, topic), digits])
        _ = try await client.exitStatus()
        let answer = try await client.line { $0.hasPrefix("ANSWER ") }
        return String(answer.dropFirst("ANSWER ".count))
    }

    /// Observes with aiocoap; each notification is a line `NOTIFY 2.05 6869`.
    static func aiocoapObserve(_ apus: RunningApus, _ topic: String) async throws -> Program {
        let client = try Program(BuiltProducts.python, [script, "observe", try uri(apus, topic)])
        try await client.line { $0.hasPrefix("READY ") }
        return client
    }

    private static var script: String { "\(BuiltProducts.repository)/Tests/EndToEndTests/Clients/coap.py" }
}
