import TestKit

/// mosquitto_sub and mosquitto_pub, as tests use them.
enum Mosquitto {
    /// A subscriber that is subscribed when this returns. `message` reads what it gets.
    static func subscribe(
        _ apus: RunningApus, _ filter: String, qos: Int = 2, version: String = "5", _ more: [String] = []
    ) async throws -> MosquittoSubscriber {
        let program = try Program(
            "stdbuf",
            ["-oL", "mosquitto_sub", "-d", "-h", "127.0.0.1", "-p", "\(try apus.port("mqtt.tcp"))", "-V", version, "-q", "\(qos)", "-t", filter]
                + ["-F", "MESSAGE %q %r %t %x"] + more)
        try await program.line { $0.hasPrefix("Subscribed (mid: ") }
        return MosquittoSubscriber(program: program)
    }

    /// Publishes; for QoS 1 and 2 the broker has it when this returns.
    static func publish(
        _ apus: RunningApus, _ topic: String, _ payload: [UInt8], qos: Int = 1, version: String = "5", _ more: [String] = []
    ) async throws {
        let program = try Program(
            "mosquitto_pub",
            ["-h", "127.0.0.1", "-p", "\(try apus.port("mqtt.tcp"))", "-V", version, "-q", "\(qos)", "-t", topic]
                // An empty standard input is refused; -n is the way to say it.
                + [payload.isEmpty ? "-n" : "-s"] + more)
        program.finishInput(payload)
        let status = try await program.exitStatus()
        guard status == 0 else {
            throw Program.Missing(description: "mosquitto_pub ended with \(status): \(program.errorLines)")
        }
    }
}

struct MosquittoSubscriber {
    let program: Program

    /// The first `count` messages.
    func messages(_ count: Int) async throws -> [MosquittoMessage] {
        try await program.lines(count) { $0.hasPrefix("MESSAGE ") }.prefix(count).map(MosquittoMessage.init(line:))
    }
}

struct MosquittoMessage: Equatable {
    var qos: Int
    var isRetained: Bool
    var topic: String
    var payload: [UInt8]

    init(qos: Int, isRetained: Bool = false, topic: String, payload: [UInt8]) {
        self.qos = qos
        self.isRetained = isRetained
        self.topic = topic
        self.payload = payload
    }

    /// `MESSAGE 1 0 a/b 6869`, as the subscriber is told to print it.
    init(line: String) {
        let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        self.init(
            qos: Int(words[1]) ?? -1, isRetained: words[2] == "1", topic: words[3..<(words.count - 1)].joined(separator: " "),
            payload: octets(hex: words.last ?? "") ?? [])
    }
}
