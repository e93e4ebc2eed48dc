import Foundation
import Glibc

/// The broker seen as a process: the processor time it has used and the memory it occupies.
package struct BrokerProcess: Sendable {
    package let identifier: Int32
    /// Counts all its threads, ended ones included, in nanoseconds: /proc/{pid}/stat has the same in hundredths of a second.
    private let clock: clockid_t

    /// - Throws: `LoadError.noProcess`.
    package init(_ identifier: Int32) throws(LoadError) {
        var clock = clockid_t()
        guard clock_getcpuclockid(identifier, &clock) == 0 else { throw .noProcess(identifier) }
        self.identifier = identifier
        self.clock = clock
    }

    /// Nanoseconds of user and system time. Of a thread that is running the system tells what it had used at its last tick, up to four milliseconds
    /// less.
    /// - Throws: when the process has ended.
    package func processorTime() throws(LoadError) -> UInt64 {
        guard let time = Clock.read(clock) else { throw .noProcess(identifier) }
        return time
    }

    /// Octets of memory it occupies, shared pages included: Rss of /proc/{pid}/smaps_rollup, which is counted anew at each look,
    /// where VmRSS of /proc/{pid}/status may lag behind. That one stands in where another user's process forbids the first.
    package func residentOctets() throws(LoadError) -> Int {
        guard
            let kilobytes = Self.kilobytes("smaps_rollup", "Rss:", identifier)
                ?? Self.kilobytes("status", "VmRSS:", identifier)
        else { throw .noProcess(identifier) }
        return kilobytes * 1_024
    }

    private static func kilobytes(_ file: String, _ key: String, _ process: Int32) -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/\(file)", encoding: .utf8) else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix(key) }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }
}
