import Foundation
import Logging
import Messaging
import Synchronization
import TestKit
import Testing

@testable import Admin

@Suite struct AdminGatewayTests {
    /// A running gateway that shows `health`.
    private struct Served {
        let gateway: AdminGateway
        let port: Int
        let health = Shared(Health(.ok))

        init(_ change: (inout AdminConfiguration) -> Void = { _ in }) async throws {
            var configuration = AdminConfiguration()
            configuration.port = 0
            change(&configuration)
            gateway = AdminGateway(
                configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                metricsType: "text/plain; version=0.0.4", metrics: { "apus_sessions 3\n" },
                health: { [health] in health.read { $0 } })
            port = try await gateway.bind().first?.port ?? 0
            await gateway.serve()
        }

        /// What comes for `request` until the gateway closes.
        func answer(to request: String) async throws -> String {
            let socket = try RawSocket(.tcp, port: port)
            socket.send(Array(request.utf8))
            let octets = try await socket.wait { $0.isClosed ? $0.octets : nil }
            return String(decoding: octets, as: UTF8.self)
        }

        func get(_ path: String) async throws -> String {
            try await answer(to: "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        }
    }

    @Test func metricsAreServedWithTheirContentType() async throws {
        let served = try await Served()
        let answer = try await served.get("/metrics")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.lowercased().contains("content-type: text/plain; version=0.0.4\r\n"))
        #expect(answer.hasSuffix("\r\n\r\napus_sessions 3\n"))
        await served.gateway.stop()
    }

    @Test(arguments: [
        (Health(.ok), "200 OK", #"{"status":"ok"}"#),
        (Health(.starting), "503 Service Unavailable", #"{"status":"starting"}"#),
        (Health(.stopping), "503 Service Unavailable", #"{"status":"stopping"}"#),
        (Health(.failing, failing: ["store"]), "503 Service Unavailable", #"{"status":"failing","failing":["store"]}"#),
    ])
    func healthNamesWhatFails(health: Health, status: String, body: String) async throws {
        let served = try await Served()
        served.health.change { $0 = health }
        let answer = try await served.get("/health")
        #expect(answer.hasPrefix("HTTP/1.1 \(status)\r\n"))
        #expect(answer.hasSuffix("\r\n\r\n\(body)\n"))
        await served.gateway.stop()
    }

    @Test(arguments: ["/", "/metrics/more", "/nothing"])
    func otherPathsAreNotThere(path: String) async throws {
        let served = try await Served()
        #expect(try await served.get(path).hasPrefix("HTTP/1.1 404 "))
        await served.gateway.stop()
    }

    @Test func whatIsNoHTTPIsRefusedAndClosed() async throws {
        let served = try await Served()
        #expect(try await served.answer(to: "\u{10}\u{00}nonsense\r\n\r\n").hasPrefix("HTTP/1.1 400 "))
        await served.gateway.stop()
    }

    @Test(arguments: ["GET /metrics HTT", "GET /metrics HTTP/1.1\r\nHost: x\r\n", ""])
    func whoDoesNotFinishAskingIsClosed(request: String) async throws {
        let served = try await Served { $0.timeout = .milliseconds(200) }
        #expect(try await served.answer(to: request) == "")
        #expect(served.gateway.counters().contains(CounterReading(name: "timeouts", value: 1)))
        await served.gateway.stop()
    }

    @Test func aHeadBeyondItsLimitIsRefused() async throws {
        let served = try await Served()
        let padding = String(repeating: "a", count: 20_000)
        #expect(
            try await served.answer(to: "GET /metrics HTTP/1.1\r\nX: \(padding)\r\n\r\n").hasPrefix("HTTP/1.1 400 "))
        await served.gateway.stop()
    }

    @Test func aBodyBeyondItsLimitClosesTheConnection() async throws {
        let served = try await Served()
        let head = "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"
        _ = try await served.answer(to: head + String(repeating: "a", count: 100_000))
        #expect(served.gateway.counters().contains(CounterReading(name: "requests_too_large", value: 1)))
        await served.gateway.stop()
    }

    @Test func oneConnectionMoreThanTheLimitWaits() async throws {
        let served = try await Served { $0.maximumConnections = 1 }
        var first: RawSocket? = try RawSocket(.tcp, port: served.port)
        first?.send(Array("GET /health HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
        try await first?.wait { $0.octets.isEmpty ? nil : true }
        let second = try RawSocket(.tcp, port: served.port)
        second.send(Array("GET /health HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
        first = nil
        try await second.wait { $0.octets.starts(with: "HTTP/1.1 200".utf8) ? true : nil }
        await served.gateway.stop()
    }

    @Test func aPortInUseIsABindError() async throws {
        let served = try await Served()
        await #expect(throws: BindError.self) { try await Served { $0.port = served.port } }
        await served.gateway.stop()
    }

    @Test func aStopClosesIdleConnections() async throws {
        let served = try await Served()
        let client = try RawSocket(.tcp, port: served.port)
        client.send(Array("GET /health HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
        try await client.wait { $0.octets.isEmpty ? nil : true }
        await served.gateway.stop()
        try await client.wait { $0.isClosed ? true : nil }
        #expect(throws: (any Error).self) { try RawSocket(.tcp, port: served.port) }
    }
}
