/// The connections of one listener at one moment. Protocols without connections of their own, over UDP, have none.
public struct ConnectionReading: Sendable, Equatable {
    /// As in the settings: `mqtt.tcp`.
    public let listener: String
    /// As in `Listener.transport`.
    public let transport: String
    public var open: Int
    /// Accepted since the start, those among them that were closed at once, too.
    public var accepted: UInt64
    /// Closed at once because a limit of open connections was reached.
    public var overLimit: UInt64

    public init(listener: String, transport: String, open: Int, accepted: UInt64, overLimit: UInt64) {
        self.listener = listener
        self.transport = transport
        self.open = open
        self.accepted = accepted
        self.overLimit = overLimit
    }
}
