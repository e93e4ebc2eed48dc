import ArgumentParser

@main
struct Apus: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "apus",
        abstract: "A gateway in which MQTT, MQTT-SN, CoAP and LwM2M devices publish and subscribe to each other.",
        version: version,
        subcommands: [
            ServeCommand.self, CheckCommand.self, StoreCommand.self, PublishCommand.self, SubscribeCommand.self,
            PasswordCommand.self, BenchCommand.self,
        ])
}
