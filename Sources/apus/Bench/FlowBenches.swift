import ArgumentParser
import LoadGenerator

/// `apus bench pairs`.
struct PairsBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pairs", abstract: "n publishers to n subscribers, one to one.", helpNames: .long)

    @Option(name: [.customShort("n"), .long], help: "Pairs of clients.")
    var count = 50

    @OptionGroup var flow: FlowOptions
    @OptionGroup var options: BenchOptions

    func validate() throws { try requireCount(count, upTo: 30_000) }

    func run() async throws {
        try await options.measure(qos: flow.qos) { [try await $0.pairs(count, window: flow.window)] }
    }
}

/// `apus bench fan-in`.
struct FanInBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fan-in", abstract: "n publishers to one subscriber.", helpNames: .long)

    @Option(name: [.customShort("n"), .long], help: "Publishers.")
    var count = 100

    @OptionGroup var flow: FlowOptions
    @OptionGroup var options: BenchOptions

    func validate() throws { try requireCount(count, upTo: 60_000) }

    func run() async throws {
        try await options.measure(qos: flow.qos) { [try await $0.fanIn(count, window: flow.window)] }
    }
}

/// `apus bench fan-out`.
struct FanOutBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fan-out", abstract: "One publisher to n subscribers.", helpNames: .long)

    @Option(name: [.customShort("n"), .long], help: "Subscribers.")
    var count = 1_000

    @OptionGroup var flow: FlowOptions
    @OptionGroup var options: BenchOptions

    func validate() throws { try requireCount(count, upTo: 60_000) }

    func run() async throws {
        try await options.measure(qos: flow.qos) { [try await $0.fanOut(count, window: flow.window)] }
    }
}
