import Foundation

extension RunningApus {
    /// Its resident memory now, in octets (`VmRSS`, proc(5)).
    package var residentOctets: Int {
        get throws {
            let status = try String(contentsOfFile: "/proc/\(program.processIdentifier)/status", encoding: .utf8)
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            guard let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
                throw Program.Missing(description: "no VmRSS of \(program.processIdentifier)")
            }
            return kilobytes * 1_024
        }
    }
}
