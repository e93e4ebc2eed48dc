import ArgumentParser
import LoadGenerator

/// `apus bench mqttsn`.
struct MQTTSNBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mqttsn",
        abstract: "MQTT-SN nodes that sleep, wake and publish.",
        discussion: """
            n nodes fall asleep, each with a subscription and a socket of its own; all wake for nothing; MQTT clients of the same \
            broker write to them; all wake and fetch. Then awake nodes publish to an MQTT client. Apus lets 1000 strangers per \
            second in from one host: start it with --set mqttsn.strangers_per_second=0.
            """,
        helpNames: .long)

    @Option(name: [.customShort("n"), .long], help: "Nodes that sleep.")
    var count = 10_000

    @Option(help: "UDP port of the gateway; -p is the MQTT port of its broker.")
    var udpPort = 1884

    @Option(help: "Messages that wait for each sleeper: 0 to 1000.")
    var backlog = 3

    @Option(help: "Nodes that publish: 0 to 200.")
    var publishers = 50

    @Option(name: .shortAndLong, help: "Quality of service: 0 or 1.")
    var qos = 1

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try requireCount(count, upTo: 20_000)
        guard (1...65_535).contains(udpPort) else { throw ValidationError("--udp-port takes a port from 1 to 65535.") }
        guard (0...1_000).contains(backlog) else { throw ValidationError("--backlog takes 0 to 1000.") }
        guard (0...200).contains(publishers) else { throw ValidationError("--publishers takes 0 to 200.") }
        guard (0...1).contains(qos) else { throw ValidationError("-q takes 0 or 1.") }
    }

    func run() async throws {
        try await options.measure(qos: qos) { generator in
            var results = try await generator.sleepers(count, backlog: backlog, udpPort: udpPort)
            if publishers > 0 { results.append(try await generator.nodePublishers(publishers, udpPort: udpPort)) }
            return results
        }
    }
}
