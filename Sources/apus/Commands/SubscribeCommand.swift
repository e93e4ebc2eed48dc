import ArgumentParser
import MQTTCodec
import NIOCore
import Synchronization

/// `apus sub`: prints the messages under a filter of any MQTT broker.
struct SubscribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sub",
        abstract: "Print the messages under topic filters of an MQTT broker.",
        discussion: "Exit status: 0 done, 64 wrong usage, 69 no connection, 75 time is up, 77 refused by the broker.",
        // -h is the host here, as in mosquitto_pub.
        helpNames: .long)

    @OptionGroup var client: ClientOptions

    @Option(name: .shortAndLong, help: "Topic filter; may be given several times.")
    var topic: [String]

    @Flag(name: .shortAndLong, help: "Print the topic before each message.")
    var verbose = false

    @Option(name: [.customShort("C"), .long], help: "End after this many messages.")
    var count: Int?

    @Option(name: [.customShort("W"), .long], help: "End after this many seconds.")
    var timeout: Int?

    func validate() throws {
        guard !topic.isEmpty else { throw ValidationError("-t needs a topic filter.") }
        guard count.map({ $0 > 0 }) ?? true, timeout.map({ $0 > 0 }) ?? true else {
            throw ValidationError("-C and -W take numbers above 0.")
        }
    }

    /// The connection's sending half, once there is one.
    private final class OpenedWriter: Sendable {
        let writer = Mutex<ClientConnection.Writer?>(nil)
    }

    /// What ended the subscription.
    private enum End { case enough, timeout, interrupted }

    func run() async throws {
        let signals = StopSignals()
        try await reportingClientErrors {
            if try await receiveUntilEnd(signals) == .timeout { throw ClientError.timedOut }
        }
    }

    /// Receives until there is enough, time is up or the user has seen enough, whatever comes first.
    private func receiveUntilEnd(_ signals: StopSignals) async throws -> End {
        let opened = OpenedWriter()
        return try await withThrowingTaskGroup(of: End.self) { group in
            group.addTask {
                try await receive(opened)
                return .enough
            }
            group.addTask {
                await signals.wait()
                return .interrupted
            }
            if let timeout {
                group.addTask {
                    try await Task.sleep(for: .seconds(timeout))
                    return .timeout
                }
            }
            defer { group.cancelAll() }
            let end = try await group.next() ?? .enough
            // Cancelling closes the connection without a word; DISCONNECT first, so that no will is published.
            if end != .enough { try await opened.writer.withLock { $0 }?.send(.disconnect(Disconnect())) }
            return end
        }
    }

    private func receive(_ opened: OpenedWriter) async throws {
        let qos = MQTTCodec.QoS(qosNumber: client.qos) ?? .atMostOnce
        var remaining = count ?? .max
        try await ClientConnection.open(client) { connection in
            let writer = connection.writer
            opened.writer.withLock { $0 = writer }
            try await withThrowingTaskGroup { group in
                group.addTask { try await keepAlive(writer) }
                defer { group.cancelAll() }
                try await connection.subscribe(to: topic, qos: qos) { topic, message in
                    remaining -= 1
                    return show(topic, message) && remaining > 0
                }
            }
        }
    }

    private func keepAlive(_ writer: ClientConnection.Writer) async throws {
        while true {
            try await Task.sleep(for: ClientConnection.pingInterval)
            try await writer.send(.pingreq)
        }
    }

    private func show(_ topic: String, _ message: Publish) -> Bool {
        var line: [UInt8] = verbose ? Array("\(topic) ".utf8) : []
        line.append(contentsOf: message.payload.readableBytesView)
        line.append(UInt8(ascii: "\n"))
        return Console.output(line)
    }
}
