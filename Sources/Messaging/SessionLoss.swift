/// What one session did not get, for operators.
package struct SessionLoss: Sendable, Equatable {
    package let clientID: ClientID
    package let report: MailboxReport

    package init(_ clientID: ClientID, _ report: MailboxReport) {
        self.clientID = clientID
        self.report = report
    }

    /// Copies dropped or expired, and messages whose publisher was refused.
    package var messages: UInt64 { Self.messages(report) }

    package static func messages(_ report: MailboxReport) -> UInt64 {
        report.account.dropped + report.account.expired + report.refused
    }
}
