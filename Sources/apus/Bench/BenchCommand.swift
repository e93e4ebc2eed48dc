import ArgumentParser

/// `apus bench`: measures an MQTT broker, this one or any other.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure an MQTT broker under load.",
        discussion: """
            Every message is numbered and checked. With --pid the broker's processor time and memory are measured, which is the \
            figure to compare: rates depend on the machine the generator shares with it. Exit status: 0 done, 1 messages were \
            lost, doubled or overtaken, 64 wrong usage, 69 no connection, 73 the file cannot be written, 75 nothing more came, \
            77 refused by the broker.
            """,
        subcommands: [
            PairsBench.self, FanInBench.self, FanOutBench.self, LatencyBench.self, WildcardsBench.self,
            DurableBench.self,
            RetainedBench.self, IdleBench.self, ConnectBench.self, MQTTSNBench.self, CompareBench.self,
        ],
        // -h is the host here, as in mosquitto_pub.
        helpNames: .long)
}
