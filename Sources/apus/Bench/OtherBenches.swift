import ArgumentParser
import LoadGenerator

/// `apus bench latency`.
struct LatencyBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency", abstract: "One message at a time: how long each takes.", helpNames: .long)

    @Option(name: [.customShort("n"), .long], help: "Pairs of clients.")
    var count = 1

    @Option(name: .shortAndLong, help: "Messages per second of each pair; 0 for the next as soon as one has arrived.")
    var rate = 1_000.0

    @Option(name: .shortAndLong, help: "Quality of service: 0, 1 or 2.")
    var qos = 0

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try requireCount(count, upTo: 30_000)
        guard (0...1_000_000).contains(rate) else { throw ValidationError("-r takes 0 to 1000000 per second.") }
        guard (0...2).contains(qos) else { throw ValidationError("-q takes 0, 1 or 2.") }
    }

    func run() async throws {
        try await options.measure(qos: qos) { [try await $0.latency(count, rate: rate > 0 ? rate : nil)] }
    }
}

/// `apus bench idle`.
struct IdleBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle", abstract: "n connections that say nothing: memory of each.", helpNames: .long)

    @Option(name: [.customShort("n"), .long], help: "Connections.")
    var count = 5_000

    @OptionGroup var options: BenchOptions

    func validate() throws { try requireCount(count, upTo: 60_000) }

    func run() async throws { try await options.measure { [try await $0.idle(count)] } }
}

/// `apus bench connect`.
struct ConnectBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect", abstract: "Connect and disconnect; -m counts connections.", helpNames: .long)

    @Option(name: [.customShort("n"), .long], help: "Connections at a time.")
    var count = 50

    @OptionGroup var options: BenchOptions

    func validate() throws { try requireCount(count, upTo: 1_000) }

    func run() async throws { try await options.measure { [try await $0.connect(count)] } }
}

/// `apus bench retained`.
struct RetainedBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retained", abstract: "Store n retained messages, then read one after the other.",
        discussion: "-m and -d hold for the reading. What was stored is cleared away at the end.", helpNames: .long)

    @Option(name: [.customShort("n"), .long], help: "Retained messages.")
    var count = 100_000

    @Flag(help: "Leave the messages in the broker.")
    var keep = false

    @OptionGroup var flow: FlowOptions
    @OptionGroup var options: BenchOptions

    func validate() throws { try requireCount(count, upTo: 9_000_000) }

    func run() async throws {
        try await options.measure(qos: flow.qos) {
            try await $0.retained(count, window: flow.window, keepsMessages: keep)
        }
    }
}

/// `apus bench wildcards`.
struct WildcardsBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wildcards",
        abstract: "Publish into n subscriptions with wildcards, of which each message matches one.",
        helpNames: .long)

    @Option(name: [.customShort("n"), .long], help: "Subscriptions.")
    var count = 100_000

    @OptionGroup var flow: FlowOptions
    @OptionGroup var options: BenchOptions

    func validate() throws { try requireCount(count, upTo: 9_000_000) }

    func run() async throws {
        try await options.measure(qos: flow.qos) { try await $0.wildcards(count, window: flow.window) }
    }
}

/// `apus bench durable`.
struct DurableBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "durable", abstract: "Pairs whose subscribers' sessions outlive their connections.",
        helpNames: .long)

    @Option(name: [.customShort("n"), .long], help: "Pairs of clients.")
    var count = 50

    @Flag(
        help:
            "Subscribers are away while messages are published, and fetch them afterwards; -m defaults to 1000 for each."
    )
    var offline = false

    @Option(name: .shortAndLong, help: "Quality of service: 1 or 2.")
    var qos = 1

    @Option(name: .shortAndLong, help: "Messages each publisher keeps on the way: 1 to 65535.")
    var window = 100

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try requireCount(count, upTo: 30_000)
        guard (1...2).contains(qos) else { throw ValidationError("-q takes 1 or 2.") }
        guard (1...65_535).contains(window) else { throw ValidationError("-w takes 1 to 65535.") }
    }

    func run() async throws {
        try await options.measure(qos: qos) {
            offline
                ? try await $0.durableAway(count, window: window) : [try await $0.durable(count, window: window)]
        }
    }
}
