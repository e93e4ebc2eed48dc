/// One session's mailbox at one moment, for operators.
package struct MailboxReport: Sendable, Equatable {
    /// Messages waiting or on the way.
    package var messages = 0
    /// Octets of the waiting ones, counted as `Message.octets`.
    package var octets = 0
    /// When the oldest waiting message was published; nil when none waits.
    package var oldest: Timestamp?
    /// Copies dropped since the session began, whatever the reason.
    package var dropped: UInt64 = 0
    /// Copies expired since the session began.
    package var expired: UInt64 = 0

    package init() {}
}
