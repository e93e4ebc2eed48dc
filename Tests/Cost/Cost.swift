/// Runs each scenario twice, its operations inside `cost_measured`, in the order `cost --list` prints them. Meant to be run
/// under callgrind, which counts the instructions in there: see README.md.
///
/// The second time counts. The first does what is done once, lazily; and callgrind, which counts calls outside, too, begins anew
/// after it. Names of scenarios after the command run these alone, for a profile of them.
@main enum Cost {
    static func main() throws {
        guard CommandLine.arguments.dropFirst() != ["--list"] else {
            for scenario in Scenario.allCases { print(scenario.rawValue, scenario.operations, separator: "\t") }
            return
        }
        let wanted = CommandLine.arguments.dropFirst()
        for scenario in Scenario.allCases where wanted.isEmpty || wanted.contains(scenario.rawValue) {
            Measured.run = try scenario.prepare()
            measured()
            measured()
        }
    }
}

private enum Measured {
    /// Only `main` touches it, and `measured`, which `main` calls.
    nonisolated(unsafe) static var run: () -> Void = {}
}

/// The name under which callgrind finds what to count.
@inline(never) @c(cost_measured) func measured() { Measured.run() }
