import Glibc

/// What the system knows of this process at one moment (proc(5)). Figures it does not tell are nil.
package struct ProcessReading: Sendable, Equatable {
    /// Time of all threads, user and system, in seconds.
    package var processorSeconds: Double?
    package var residentOctets: UInt64?
    package var virtualOctets: UInt64?
    package var openDescriptors: UInt64?
    package var descriptorLimit: UInt64?
    package var threads: UInt64?

    package init() {}

    package static func current() -> ProcessReading {
        var reading = ProcessReading()
        reading.readProcessorTime()
        reading.readMemory()
        reading.openDescriptors = openDescriptors()
        reading.descriptorLimit = descriptorLimit()
        return reading
    }

    /// Resident memory alone, in octets: cheap enough for ten times a second. 0 when the system does not tell.
    package static func residentOctets() -> Int {
        let words = text(of: "/proc/self/statm").split(separator: " ")
        guard words.count > 1, let pages = Int(words[1]) else { return 0 }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    private mutating func readProcessorTime() {
        var usage = rusage()
        guard getrusage(RUSAGE_SELF.rawValue, &usage) == 0 else { return }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        processorSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    /// `Name:  123 kB` a line.
    private mutating func readMemory() {
        for line in Self.text(of: "/proc/self/status").split(separator: "\n") {
            let words = line.split { $0 == " " || $0 == "\t" }
            guard words.count >= 2, let value = UInt64(words[1]) else { continue }
            switch words[0] {
            case "VmRSS:": residentOctets = value * 1_024
            case "VmSize:": virtualOctets = value * 1_024
            case "Threads:": threads = value
            default: break
            }
        }
    }

    private static func openDescriptors() -> UInt64? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count: UInt64 = 0
        while readdir(folder) != nil { count += 1 }
        // ".", "..", and the descriptor of the look itself.
        return count > 3 ? count - 3 : 0
    }

    private static func descriptorLimit() -> UInt64? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return UInt64(limit.rlim_cur)
    }

    private static func text(of path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 8_192)
        let count = read(descriptor, &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
}
