/// What a line of an ACL file gives.
struct Rights: OptionSet, Sendable {
    let rawValue: UInt8

    /// Receive messages, and so subscribe to filters that match some of them.
    static let read = Rights(rawValue: 1)
    static let write = Rights(rawValue: 2)
    /// Once a client has a line with it, its subscriptions have to lie within one.
    static let subscribe = Rights(rawValue: 4)
    /// Once a client has a line with it, it may end only subscriptions that lie within one.
    static let unsubscribe = Rights(rawValue: 8)

    /// The words of the file.
    init?(word: Substring) {
        switch word {
        case "read": self = .read
        case "write": self = .write
        case "readwrite": self = Self.standard
        case "subscribe": self = .subscribe
        case "unsubscribe": self = .unsubscribe
        default: return nil
        }
    }

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Of a line without a word.
    static let standard: Rights = [.read, .write]
}
