import ArgumentParser
import Settings

/// `apus check`: what the settings amount to, without starting anything.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the settings and show each value with the layer that set it.",
        discussion: "Exit status 0 when they are right, 78 when not. Environment variables count as a layer too: APUS_MQTT__TCP__PORT.")

    @OptionGroup var options: SettingsOptions

    @Flag(help: "Print the built-in settings with their documentation, as a file to start from.")
    var defaults = false

    func run() throws {
        if defaults {
            Console.output(DefaultSettings.yaml)
            return
        }
        let values = try options.load().effective
        let width = values.map { "\($0.key): \($0.value)".count }.max() ?? 0
        for value in values {
            let text = "\(value.key): \(value.value)"
            Console.output("\(text)\(String(repeating: " ", count: width - text.count))  # \(value.origin)")
        }
    }
}
