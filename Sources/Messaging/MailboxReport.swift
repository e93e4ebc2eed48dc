/// One session's mailbox at one moment, for operators.
package struct MailboxReport: Sendable, Equatable {
    /// Messages waiting or on the way.
    package var messages = 0
    /// Octets of the waiting ones, counted as `Message.octets`.
    package var octets = 0
    /// When the oldest waiting message was published; nil when none waits, or when it was read back from the store.
    package var oldest: Timestamp?
    /// Where all copies since the session began, or since the gateway's start, went.
    package var account = DropLedger()
    /// Messages whose publisher was refused because this mailbox was full. They are in no account: their publishers have them.
    package var refused: UInt64 = 0

    package init() {}
}
