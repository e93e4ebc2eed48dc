/// Metadata keys of this module's log lines.
enum LogKey {
    static let path = "path"
    static let reason = "reason"
    static let lost = "lost"
    static let rows = "rows"
    static let recovered = "recovered"
    static let cutOff = "cut_off"
    static let setAside = "set_aside"
    static let duration = "duration"
}
