/// A gateway asking for the session of a client that slept when the process before ended (`Broker.resumeSleeper`).
public struct SleeperRequest: Sendable {
    public let clientID: ClientID
    /// As in `ConnectRequest`.
    public let clientNumber: UInt64
    /// Of the listener it fell asleep at, as in the settings.
    public let listener: String
    /// What its connection had proved about it; nil where the session's own principal goes on.
    public let proven: Principal?
    /// As in `SessionOptions`.
    public let receiveMaximum: Int
    public let mailboxTerms: MailboxTerms?
    /// The silence allowed each time it is heard.
    public let silence: Duration?

    public init(
        clientID: ClientID, clientNumber: UInt64 = 0, listener: String, proven: Principal? = nil,
        receiveMaximum: Int = 65_535,
        mailboxTerms: MailboxTerms? = nil, silence: Duration?
    ) {
        self.clientID = clientID
        self.clientNumber = clientNumber
        self.listener = listener
        self.proven = proven
        self.receiveMaximum = receiveMaximum
        self.mailboxTerms = mailboxTerms
        self.silence = silence
    }
}

/// A client that sleeps on.
public struct ResumedSleeper: Sendable {
    public let attachment: any Attachment
    /// When it is lost unless it is heard before; may have passed.
    public let silentAt: Timestamp

    public init(attachment: any Attachment, silentAt: Timestamp) {
        self.attachment = attachment
        self.silentAt = silentAt
    }
}
