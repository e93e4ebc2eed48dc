import TestKit

extension RunningApus {
    /// The answer of its operators' interface, head and body.
    func http(_ path: String) async throws -> String {
        let socket = try RawSocket(.tcp, port: port("admin.http"))
        socket.send(Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".utf8))
        return String(decoding: try await socket.wait { $0.isClosed ? $0.octets : nil }, as: UTF8.self)
    }

    /// All its figures of this moment.
    func metrics() async throws -> Exposition {
        let answer = try await http("/metrics")
        guard answer.hasPrefix("HTTP/1.1 200 "), let head = answer.firstRange(of: "\r\n\r\n") else {
            throw Program.Missing(description: "no metrics: \(answer.prefix(200))")
        }
        return try Exposition(String(answer[head.upperBound...]))
    }

    /// Asks for its figures until they satisfy `condition`: for what no answer to a client announces.
    @discardableResult
    func metrics(
        within limit: Duration = .patience, where condition: (Exposition) -> Bool
    ) async throws -> Exposition {
        let deadline = ContinuousClock.now + limit
        while true {
            let metrics = try await metrics()
            if condition(metrics) { return metrics }
            guard ContinuousClock.now < deadline else {
                throw Program.Missing(description: "the figures never came: \(metrics.nonzero)")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}

extension Exposition {
    /// For the message of a test that fails.
    var nonzero: String {
        values.filter { $0.value != 0 }.map { "\($0.key.name)\($0.key.labels) \($0.value)" }.sorted().joined(
            separator: "\n")
    }

    /// Whether all copies are accounted for.
    var isBalanced: Bool {
        sum("apus_copies_accepted_total")
            == sum("apus_copies_delivered_total") + sum("apus_copies_queued") + sum("apus_copies_expired_total")
            + sum("apus_copies_dropped_total")
    }
}
