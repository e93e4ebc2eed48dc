import Glibc
package import Logging

/// Writes each record as one line to standard error with one `write`, so that lines of several threads do not mix.
package struct StandardErrorLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level
    private let label: String
    private let style: LogLine.Style

    /// Makes this the handler of every `Logger` of the process. Call once, before the first logger is made.
    package static func bootstrap(level: Logger.Level) {
        // systemd sets JOURNAL_STREAM when it reads our standard error itself (systemd.exec(5)).
        let style: LogLine.Style = getenv("JOURNAL_STREAM") == nil ? .plain : .journal
        LoggingSystem.bootstrap { label in
            StandardErrorLogHandler(logLevel: level, label: label, style: style)
        }
    }

    private init(logLevel: Logger.Level, label: String, style: LogLine.Style) {
        self.logLevel = logLevel
        self.label = label
        self.style = style
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        let line = LogLine.text(
            style: style, time: Self.timeOfDay(), level: event.level, label: label, message: "\(event.message)",
            metadata: all)
        writeAll(line)
    }

    /// A record that standard error does not take is lost; there is nowhere left to say so.
    private func writeAll(_ line: String) {
        var line = line
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let written = write(STDERR_FILENO, rest.baseAddress, rest.count)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
            }
        }
    }

    /// Now, as RFC 3339 in UTC with milliseconds.
    private static func timeOfDay() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var seconds = now.tv_sec
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func padded(_ number: some BinaryInteger, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return "\(parts.tm_year + 1900)-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))T"
            + "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):\(padded(parts.tm_sec, 2))."
            + "\(padded(now.tv_nsec / 1_000_000, 3))Z"
    }
}
