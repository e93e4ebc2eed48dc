import Logging

/// Metadata keys of this module's log messages.
enum LogKey: String {
    case address
    case client
    case error
    case packet
    case peer
    case reason
    case topicID = "topic_id"
}

extension Logger {
    /// The metadata is only built when the message is logged.
    func log(_ level: Logger.Level, _ message: Logger.Message, _ values: @autoclosure () -> [LogKey: String]) {
        log(level: level, message, metadata: values().metadata)
    }
}

extension [LogKey: String] {
    fileprivate var metadata: Logger.Metadata {
        Logger.Metadata(uniqueKeysWithValues: map { ($0.rawValue, .string($1)) })
    }
}
