import Logging

/// The text of one log record: everything on one line, so that `grep` and journald see one record as one thing.
///
///     2026-03-01T12:00:00.123Z info apus.mqtt client connected client=sensor-1 peer=127.0.0.1:50123
struct LogLine {
    /// Where the line goes decides its head.
    enum Style {
        /// Time and level in words.
        case plain
        /// journald keeps the time itself and takes the level from `<n>` (sd-daemon(3)).
        case journal
    }

    static func text(
        style: Style, time: String, level: Logger.Level, label: String, message: String, metadata: Logger.Metadata
    ) -> String {
        var line =
            switch style {
            case .plain: "\(time) \(level.rawValue) \(label) \(sanitized(message))"
            case .journal: "<\(priority(of: level))>\(label) \(sanitized(message))"
            }
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(quoted("\(value)"))"
        }
        return line + "\n"
    }

    /// Syslog's number for a level.
    static func priority(of level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    /// A value as it stands when it is one harmless word, else in quotation marks with escapes: client ids come from
    /// strangers and must not be able to forge a line.
    private static func quoted(_ value: String) -> String {
        let plain = !value.isEmpty && value.unicodeScalars.allSatisfy { scalar in
            scalar.value > 0x20 && scalar.value != 0x7F && scalar != "\"" && scalar != "=" && scalar != "\\"
                && !scalar.properties.isWhitespace && !isControl(scalar)
        }
        return plain ? value : "\"\(sanitized(value))\""
    }

    private static func sanitized(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isControl(scalar): result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Control and format characters, and Unicode's own line ends.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
