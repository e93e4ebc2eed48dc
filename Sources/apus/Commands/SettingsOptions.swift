import ArgumentParser
import Settings

/// Where the settings come from; shared by `serve` and `check`.
struct SettingsOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "YAML file with settings. Without it the built-in defaults hold.")
    var config: String?

    @Option(name: .customLong("set"), help: "Set one value, stronger than file and environment: --set mqtt.tcp.port=1884.")
    var set: [String] = []

    @Option(name: .customLong("log-level"), help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?

    /// Reads the settings, or says what is wrong with them and ends.
    func load() throws -> Configuration {
        do {
            return try Configuration.load(file: config, arguments: set + (logLevel.map { ["log.level=\($0)"] } ?? []))
        } catch {
            Console.complain("\(error)")
            throw ExitStatus.configuration
        }
    }
}
