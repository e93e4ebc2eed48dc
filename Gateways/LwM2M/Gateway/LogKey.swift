import Logging

/// Metadata keys of this module's log lines.
enum LogKey: String {
    case endpoint, peer, reason, path, operation, code, lifetime, objects, error
}

extension Logger {
    func debug(_ message: Logger.Message, _ metadata: KeyValuePairs<LogKey, String>) {
        debug(message, metadata: Self.convert(metadata))
    }

    func warning(_ message: Logger.Message, _ metadata: KeyValuePairs<LogKey, String>) {
        warning(message, metadata: Self.convert(metadata))
    }

    private static func convert(_ metadata: KeyValuePairs<LogKey, String>) -> Logger.Metadata {
        Logger.Metadata(uniqueKeysWithValues: metadata.map { ($0.key.rawValue, .string($0.value)) })
    }
}
