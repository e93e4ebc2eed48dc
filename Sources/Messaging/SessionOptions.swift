/// What a client brings when it opens its session.
public struct SessionOptions: Sendable {
    /// Forget what an earlier connection left (MQTT 5.0, 3.1.2.4).
    public var cleanStart: Bool
    /// How long the session outlives its connection (MQTT 5.0, 3.1.2.11.2): `.zero` ends with it, nil never ends.
    public var expiry: Duration?
    /// Most deliveries at QoS 1 and 2 on the way at once (MQTT 5.0, 3.1.2.11.3): 1...65535; 1 for MQTT-SN and CoAP.
    public var receiveMaximum: Int
    /// Message to publish when the client is lost. With `keepsWill` nil means "leave the stored one".
    public var will: Will?
    /// MQTT-SN 1.2, 6.3: a connection without clean session and without will flag keeps the will of the earlier one.
    public var keepsWill: Bool
    /// MQTT-SN 1.2, 6.2, 6.3: a client that connects anew has not been lost. Its earlier connection ends without its will.
    public var replacesQuietly: Bool
    /// The adapter may ask for what it took once more while it is connected (`Settlement.returned`). MQTT over a stream does not: what the
    /// connection is sent is sent again on another only (MQTT-4.4.0-1).
    public var repeatsDeliveries: Bool
    /// Keep messages of QoS 0 also while no connection is attached. While attached, awake or asleep, they are always kept.
    public var queuesQoS0WhileDetached: Bool
    /// Mailbox limits in place of `BrokerLimits.mailbox`, until the next connection; nil for those.
    public var mailboxTerms: MailboxTerms?
    /// First silence allowed; see `Attachment.supervise`. Nil for none.
    public var silence: Duration?

    public init(
        cleanStart: Bool, expiry: Duration?, receiveMaximum: Int = 65_535, will: Will? = nil, keepsWill: Bool = false,
        replacesQuietly: Bool = false, repeatsDeliveries: Bool = true, queuesQoS0WhileDetached: Bool = false, mailboxTerms: MailboxTerms? = nil,
        silence: Duration? = nil
    ) {
        self.cleanStart = cleanStart
        self.expiry = expiry
        self.receiveMaximum = receiveMaximum
        self.will = will
        self.keepsWill = keepsWill
        self.replacesQuietly = replacesQuietly
        self.repeatsDeliveries = repeatsDeliveries
        self.queuesQoS0WhileDetached = queuesQoS0WhileDetached
        self.mailboxTerms = mailboxTerms
        self.silence = silence
    }
}
