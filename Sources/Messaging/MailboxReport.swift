/// One session's mailbox at one moment, for operators.
public struct MailboxReport: Sendable, Equatable {
    /// Messages waiting or on the way.
    public var messages = 0
    /// Octets of the waiting ones, counted as `Message.octets`.
    public var octets = 0
    /// When the oldest waiting message was published; nil when none waits, or when it was read back from the store.
    public var oldest: Timestamp?
    /// Where all copies since the session began, or since the gateway's start, went.
    public var account = DropLedger()
    /// Messages whose publisher was refused because this mailbox was full. They are in no account: their publishers have them.
    public var refused: UInt64 = 0

    public init() {}
}
