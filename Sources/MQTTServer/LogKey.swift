/// Metadata keys of this target's log records.
enum LogKey {
    static let peer = "peer"
    static let listener = "listener"
    static let client = "client"
    static let packet = "packet"
    static let error = "error"
    static let reason = "reason"
    static let limit = "limit"
}
