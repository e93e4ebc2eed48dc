/// What one session did not get, for operators.
public struct SessionLoss: Sendable, Equatable {
    public let clientID: ClientID
    public let report: MailboxReport

    public init(_ clientID: ClientID, _ report: MailboxReport) {
        self.clientID = clientID
        self.report = report
    }

    /// Copies dropped or expired, and messages whose publisher was refused.
    public var messages: UInt64 { Self.messages(report) }

    public static func messages(_ report: MailboxReport) -> UInt64 {
        report.account.dropped + report.account.expired + report.refused
    }
}
