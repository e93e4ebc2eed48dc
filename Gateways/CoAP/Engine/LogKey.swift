/// Metadata keys of this module's log.
enum LogKey {
    static let peer = "peer"
    static let topic = "topic"
    static let client = "client"
    static let reason = "reason"
    static let address = "address"
    static let port = "port"
}
