import Foundation
import TestKit
import Testing

/// Fixtures/cost/pinned.tsv: the compiler, then scenario, instructions and allocations of one operation.
struct Pins {
    let compiler: String
    let costs: [String: Cost]

    private static let file = FixtureTable.folder.appending(path: "cost/pinned.tsv")

    static func load() throws -> Pins {
        let rows = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("#") }
        var costs: [String: Cost] = [:]
        for row in rows.dropFirst() {
            let fields = row.split(separator: "\t")
            guard fields.count == 3, let instructions = Double(fields[1]), let allocations = Double(fields[2]) else {
                continue
            }
            costs[String(fields[0])] = Cost(instructions: instructions, allocations: allocations)
        }
        return Pins(compiler: rows.first.map(String.init) ?? "", costs: costs)
    }

    static func write(_ costs: [String: Cost]) throws {
        var text =
            "# One operation in instructions and allocations, pinned by `make pin` with this compiler:\n\(thisCompiler)\n"
        for (scenario, cost) in costs.sorted(by: { $0.key < $1.key }) {
            text +=
                "\(scenario)\t\(String(format: "%.1f", cost.instructions))\t\(String(format: "%.2f", cost.allocations))\n"
        }
        try text.write(to: file, atomically: true, encoding: .utf8)
    }

    static var areToBeWritten: Bool { ProcessInfo.processInfo.environment["TEST_PIN"] != nil }

    static var areOfThisCompiler: Bool { (try? load().compiler) == thisCompiler }

    static var remedy: Comment {
        "the numbers are those of \((try? load().compiler) ?? "no compiler"), this is \(thisCompiler): run make pin and look at what has changed"
    }

    /// As the Makefile reads it from `swift --version`.
    private static var thisCompiler: String {
        ProcessInfo.processInfo.environment["TEST_COST_COMPILER"] ?? "another compiler"
    }
}
