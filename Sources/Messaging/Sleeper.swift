/// A gateway asking for the session of a client that slept when the process before ended (`Broker.resumeSleeper`).
package struct SleeperRequest: Sendable {
    package let clientID: ClientID
    /// Of the listener it fell asleep at, as in the settings.
    package let listener: String
    /// What its connection had proved about it; nil where the session's own principal goes on.
    package let proven: Principal?
    /// As in `SessionOptions`.
    package let receiveMaximum: Int
    package let mailboxTerms: MailboxTerms?
    /// The silence allowed each time it is heard.
    package let silence: Duration?

    package init(
        clientID: ClientID, listener: String, proven: Principal? = nil, receiveMaximum: Int = 65_535,
        mailboxTerms: MailboxTerms? = nil, silence: Duration?
    ) {
        self.clientID = clientID
        self.listener = listener
        self.proven = proven
        self.receiveMaximum = receiveMaximum
        self.mailboxTerms = mailboxTerms
        self.silence = silence
    }
}

/// A client that sleeps on.
package struct ResumedSleeper: Sendable {
    package let attachment: any Attachment
    /// When it is lost unless it is heard before; may have passed.
    package let silentAt: Timestamp

    package init(attachment: any Attachment, silentAt: Timestamp) {
        self.attachment = attachment
        self.silentAt = silentAt
    }
}
