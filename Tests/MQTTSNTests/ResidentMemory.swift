import Foundation
import Testing

/// The test process's memory: the second figure of statm(5), in pages of 4 KiB.
enum ResidentMemory {
    static func octets() throws -> Int {
        let figures = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return try #require(Int(figures[1])) * 4_096
    }
}
