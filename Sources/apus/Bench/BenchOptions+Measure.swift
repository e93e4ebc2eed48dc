import ArgumentParser
import Foundation
import LoadGenerator

extension BenchOptions {
    /// Runs a scenario, shows its figures and ends with the exit status they deserve.
    func measure(qos: Int = 0, _ scenario: (LoadGenerator) async throws -> [RunResult]) async throws {
        do {
            OpenFiles.allowAll()
            var generator = LoadGenerator(try settings(qos: qos))
            let bar = ProgressBar()
            generator.progress = { bar.show($0) }
            let rows = try await scenario(generator)
            bar.clear()
            try show(rows)
        } catch let error as LoadError {
            Console.complain(error.description)
            throw error.exitStatus
        }
    }

    private func show(_ rows: [RunResult]) throws {
        if let json { try FigureFile(path: json).write(rows) }
        if json != "-" { Console.output(ResultTable.text(rows)) }
        guard rows.allSatisfy(\.isFlawless) else {
            for row in rows where !row.isFlawless { Console.complain(row.flaws) }
            throw ExitStatus.flawed
        }
    }
}

/// Figures as JSON, for scripts.
struct FigureFile {
    /// `-` is standard output.
    let path: String

    func write(_ figures: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let octets = try encoder.encode(figures)
        if path == "-" {
            Console.output(octets + [UInt8(ascii: "\n")])
            return
        }
        do {
            try octets.write(to: URL(filePath: path), options: .atomic)
        } catch {
            Console.complain("the file \(path) cannot be written: check the path after --json")
            throw ExitStatus.cannotCreate
        }
    }
}

extension LoadError {
    var exitStatus: ExitCode {
        switch self {
        case .unknownHost, .cannotConnect, .connectionLost: ExitStatus.unavailable
        case .refused: ExitStatus.refused
        case .protocolViolation: ExitStatus.software
        case .stalled: ExitStatus.timeout
        case .noProcess: ExitStatus.usage
        }
    }
}

extension RunResult {
    /// What a run is to be complained of.
    var flaws: String {
        "\(name), QoS \(qos), \(payloadOctets) octets: \(lost) lost, \(doubled) doubled, \(outOfOrder) overtaken"
    }
}
