import ArgumentParser
import Foundation
import LoadGenerator

/// `apus bench compare`: this program beside Mosquitto, row by row of the budgets.
struct CompareBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Start Apus and Mosquitto side by side, and hold Apus to its budgets.",
        discussion: """
            Both listen on ports of their own on this machine's loopback, in turn under the same load, and the median of the \
            rounds is shown; so is what Apus lost, doubled and delivered out of order in all rounds. The comparison says what a build for release costs; nothing else should be running meanwhile.
            """,
        helpNames: .long)

    @Argument(help: "Rows whose names contain one of these; all without any.")
    var rows: [String] = []

    @Option(name: .shortAndLong, help: "Rounds of each broker.")
    var rounds = 3

    @Option(name: .shortAndLong, help: "Seconds to measure in each round, after one of warm-up.")
    var duration = 3.0

    @Option(help: "Mosquitto's broker; an empty path measures Apus alone.")
    var mosquitto = "/usr/sbin/mosquitto"

    @Option(
        help: """
            A line of Mosquitto's configuration, beyond what Debian ships: 'set_tcp_nodelay true' lets it send each message at once, as \
            Apus does. May be given several times.
            """)
    var mosquittoSet: [String] = []

    @Option(
        help: """
            A program that does the least a broker has to do (Tests/Floor), to be measured, too: figures and budgets are then \
            also told as so many times its own.
            """)
    var floor: String?

    @Flag(help: "Small and short, to see whether everything works; the figures mean nothing.")
    var smoke = false

    @Flag(help: "List the rows.")
    var list = false

    @Option(help: "Write all figures as JSON to this file, too; - for standard output.")
    var json: String?

    func validate() throws {
        guard (1...100).contains(rounds) else { throw ValidationError("-r takes 1 to 100.") }
        guard duration > 0, duration < 3_600 else { throw ValidationError("-d takes seconds above 0.") }
        guard !chosen.isEmpty else { throw ValidationError("no row has such a name: --list shows all.") }
    }

    private var chosen: [BudgetRow] {
        rows.isEmpty ? BudgetRow.all : BudgetRow.all.filter { row in rows.contains { row.name.contains($0) } }
    }

    func run() async throws {
        guard !list else {
            Console.output(chosen.map(\.name).joined(separator: "\n"))
            return
        }
        OpenFiles.allowAll()
        let signals = StopSignals()
        let watch = Task {
            await signals.wait()
            guard !Task.isCancelled else { return }
            MeasuredBroker.stopAll()
            Foundation.exit(ExitStatus.interrupted.rawValue)
        }
        defer { watch.cancel() }
        let bar = ProgressBar()
        let scale =
            smoke
            ? ComparedLoad.Scale(warmUp: .milliseconds(50), measured: .milliseconds(150), divisor: 50)
            : ComparedLoad.Scale(measured: .seconds(duration))
        let comparison = Comparison(
            rounds: smoke ? 1 : rounds, scale: scale, mosquitto: mosquitto.isEmpty ? nil : mosquitto,
            mosquittoLines: mosquittoSet, floor: floor,
            progress: { bar.show(LoadProgress(phase: $0)) })
        do {
            let outcome = try await compare(by: comparison)
            bar.clear()
            if let json { try FigureFile(path: json).write(outcome) }
            if json != "-" { Console.output(ComparisonTable.text(outcome.rows)) }
            try complainOfFlaws(outcome.runs)
        } catch let error as MeasuredBroker.CannotStart {
            bar.clear()
            Console.complain(error.sentence)
            throw ExitStatus.unavailable
        } catch let error as LoadError {
            bar.clear()
            Console.complain(error.description)
            throw error.exitStatus
        }
    }

    private struct Outcome: Encodable {
        var rows: [ComparedRow] = []
        var runs: [Comparison.Run] = []
    }

    private func compare(by comparison: Comparison) async throws -> Outcome {
        var outcome = Outcome()
        var done: Set<ComparedLoad> = []
        for row in chosen where done.insert(row.load).inserted {
            let together = chosen.filter { $0.load == row.load }
            let runs = try await comparison.run(row.load, freshBrokers: together.contains(where: \.needsFreshBroker))
            outcome.runs += runs
            outcome.rows += together.map { ComparedRow($0, runs) }
        }
        return outcome
    }

    private func complainOfFlaws(_ runs: [Comparison.Run]) throws {
        let flawed = runs.flatMap { run in run.results.filter { !$0.isFlawless }.map { (run, $0) } }
        for (run, result) in flawed {
            Console.complain(
                "\(run.broker.rawValue), round \(run.round): \(result.flaws)")
        }
        guard flawed.isEmpty else { throw ExitStatus.flawed }
    }
}
