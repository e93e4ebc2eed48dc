import ArgumentParser
import Foundation
import MQTTCodec
import NIOCore

/// `apus pub`: publishes one message to any MQTT broker.
struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pub",
        abstract: "Publish one message to an MQTT broker.",
        discussion: "Exit status: 0 done, 64 wrong usage, 69 no connection, 77 refused by the broker.",
        // -h is the host here, as in mosquitto_pub.
        helpNames: .long)

    @OptionGroup var client: ClientOptions

    @Option(name: .shortAndLong, help: "Topic to publish to.")
    var topic: String

    @Option(name: .shortAndLong, help: "The message. Without -m and -n it is read from standard input.")
    var message: String?

    @Flag(name: [.customShort("n"), .customLong("null-message")], help: "Publish an empty message.")
    var null = false

    @Flag(name: .shortAndLong, help: "Keep it as the topic's last value.")
    var retain = false

    func validate() throws {
        guard !topic.isEmpty, !topic.contains(where: { $0 == "+" || $0 == "#" }) else {
            throw ValidationError("-t takes a topic name, without + and #.")
        }
        guard message == nil || !null else { throw ValidationError("-m and -n exclude each other.") }
    }

    func run() async throws {
        let payload = payload()
        let qos = MQTTCodec.QoS(qosNumber: client.qos) ?? .atMostOnce
        try await reportingClientErrors {
            try await ClientConnection.open(client) { connection in
                try await connection.publish(topic, payload, qos: qos, isRetained: retain)
            }
        }
    }

    private func payload() -> ByteBuffer {
        if null { return ByteBuffer() }
        return message.map(ByteBuffer.init(string:)) ?? ByteBuffer(bytes: FileHandle.standardInput.readDataToEndOfFile())
    }
}

/// Runs a client command; what goes wrong is one sentence on standard error and an exit status.
func reportingClientErrors(_ body: () async throws -> Void) async throws {
    do {
        try await body()
    } catch let error as ClientError {
        Console.complain(error.sentence)
        throw error.exitStatus
    } catch let error as IOError {
        Console.complain("the connection broke: \(error)")
        throw ExitStatus.unavailable
    } catch let error as ChannelError {
        Console.complain("the connection broke: \(error)")
        throw ExitStatus.unavailable
    }
}
