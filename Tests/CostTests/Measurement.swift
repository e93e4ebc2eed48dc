import Foundation
import TestKit

/// One operation of a scenario.
struct Cost: Sendable {
    let instructions: Double
    let allocations: Double
}

/// Tests/Cost under callgrind.
enum Measurement {
    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    private static var binary: String? { ProcessInfo.processInfo.environment["TEST_COST_BINARY"] }

    static var isPossible: Bool { binary != nil }

    /// By scenario. Takes about half a minute.
    static func run() async throws -> [String: Cost] {
        guard let binary else { throw Failed(description: "no binary") }
        let folder = FileManager.default.temporaryDirectory.appending(path: "apus-cost-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let scenarios = try await scenarios(of: binary)
        let callgrind = try Program(
            "valgrind",
            [
                "--tool=callgrind", "--callgrind-out-file=\(folder.path)/profile", "--toggle-collect=cost_measured",
                "--dump-after=cost_measured", binary,
            ],
            // Hashing with a seed of its own in every run would take other ways through dictionaries each time.
            environment: ["SWIFT_DETERMINISTIC_HASHING": "1"])
        let status = try await callgrind.exitStatus(within: .seconds(300))
        guard status == 0 else { throw Failed(description: callgrind.errorLines.joined(separator: "\n")) }
        return try scenarios.enumerated().reduce(into: [:]) { costs, item in
            // Dumps are numbered from 1 on, two for each scenario, of which the second counts.
            let file = folder.appending(path: "profile.\(2 * item.offset + 2)")
            let profile = Profile(try String(contentsOf: file, encoding: .utf8))
            let count = Double(item.element.operations)
            costs[item.element.name] = Cost(
                instructions: Double(profile.instructions) / count, allocations: Double(profile.allocations) / count)
        }
    }

    private static func scenarios(of binary: String) async throws -> [(name: String, operations: Int)] {
        let list = try Program(binary, ["--list"])
        _ = try await list.exitStatus()
        return list.lines.compactMap { line in
            let fields = line.split(separator: "\t")
            return fields.count == 2 ? Int(fields[1]).map { (String(fields[0]), $0) } : nil
        }
    }
}

/// The sums of a file that callgrind has written (valgrind's manual, "Callgrind Format Specification").
struct Profile {
    private(set) var instructions = 0
    /// Calls of malloc and its siblings.
    private(set) var allocations = 0

    private static let allocators: Set<Substring> = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"]

    init(_ text: String) {
        var names: [Substring: Substring] = [:]
        var callsAllocator = false
        for line in text.split(separator: "\n") {
            if let function = Self.value(of: "cfn", line) ?? Self.value(of: "fn", line) {
                // "(12) name" gives number 12 a name, "(12)" refers to it.
                let parts = function.split(separator: " ", maxSplits: 1)
                if parts.count == 2 { names[parts[0]] = parts[1] }
                callsAllocator = line.hasPrefix("cfn=") && Self.allocators.contains(names[parts.first ?? ""] ?? "")
            } else if callsAllocator, let calls = Self.value(of: "calls", line)?.split(separator: " ").first {
                allocations += Int(calls) ?? 0
            } else if let sum = line.firstMatch(of: /^(?:summary|totals): (\d+)/)?.output.1 {
                instructions = Int(sum) ?? 0
            }
        }
    }

    private static func value(of key: String, _ line: Substring) -> Substring? {
        line.hasPrefix("\(key)=") ? line.dropFirst(key.count + 1) : nil
    }
}
